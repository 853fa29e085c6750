/**
 * Normal draws by the million.
 *
 * The ziggurat of Marsaglia and Tsang (2000) with 128 layers: the bell curve is covered by layers of equal
 * area, most draws cost one random word and one multiplication. The layer comes from other bits than the
 * place in it, which removes the correlation of the original (Doornik 2005).
 */
import type { Random } from '../base/random.ts';

const layers = 128;
/** Where the tail begins, and the area of every layer, for 128 layers (Marsaglia and Tsang 2000). */
const tailStart = 3.442619855899;
const area = 9.91256303526217e-3;

/** edges[i]: right end of layer i; heights[i]: the curve exp(-x²/2) there. edges[0] is that of the base. */
const edges = new Float64Array(layers + 1);
const heights = new Float64Array(layers + 1);
edges[0] = area / density(tailStart);
edges[1] = tailStart;
for (let i = 2; i < layers; i++) edges[i] = inverseDensity(area / edges[i - 1] + density(edges[i - 1]));
edges[layers] = 0;
for (let i = 0; i <= layers; i++) heights[i] = density(edges[i]);

function density(x: number): number {
  return Math.exp(-0.5 * x * x);
}

function inverseDensity(y: number): number {
  return Math.sqrt(-2 * Math.log(y));
}

/** Fills `target` with independent draws of mean 0 and standard deviation `std`. */
export function fillNormal(target: Float32Array, std: number, random: Random): void {
  for (let i = 0; i < target.length; i++) target[i] = std * draw(random);
}

function draw(random: Random): number {
  for (;;) {
    const bits = random.uint32();
    const layer = bits & 127;
    // 25 bits for the place: from -1 to 1, symmetric about 0, never 0 itself
    const place = ((bits >>> 7) + 0.5) / 16777216 - 1;
    const x = place * edges[layer];
    if (Math.abs(x) < edges[layer + 1]) return x; // inside the part that the next layer covers too
    if (layer === 0) return Math.sign(place) * drawTail(random);
    const height = heights[layer] + random.uniform() * (heights[layer + 1] - heights[layer]);
    if (height < density(x)) return x;
  }
}

/** A draw beyond `tailStart` (Marsaglia 1964). */
function drawTail(random: Random): number {
  for (;;) {
    const x = -Math.log(1 - random.uniform()) / tailStart;
    const y = -Math.log(1 - random.uniform());
    if (2 * y > x * x) return tailStart + x;
  }
}
