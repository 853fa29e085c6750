/**
 * The facts of the world, as tables: attribute → entity → value. Every other file looks facts up here.
 */
import { TenetError } from '../base/index.ts';
import { lexicon } from './lexicon.ts';

/** Facts about the towns of Velmora, about ingredients, objects, pests and so on. */
export type Attribute =
  | TownAttribute
  | 'minutes'
  | 'prepare'
  | 'finish'
  | 'medium'
  | 'tool'
  | 'mend'
  | 'before'
  | 'after'
  | 'clean'
  | 'pest'
  | 'spot'
  | 'camera'
  | 'tactic'
  | 'inflate'
  | 'quality';

export type TownAttribute = 'river' | 'region' | 'product' | 'mayor' | 'bridges' | 'vehicle';

const towns = lexicon.town;

const tables: Readonly<Record<Attribute, ReadonlyMap<string, string>>> = {
  river: column(towns, 'Dun Sel Tarn Wim Sel Dun Wim Tarn'),
  region: column(towns, 'north west south east east north west south'),
  product: column(towns, 'cheese honey wool glass honey glass wool cheese'),
  mayor: column(towns, 'Anna Boris Clara David Clara Anna David Boris'),
  bridges: column(towns, '4 7 2 9 5 3 7 4'),
  vehicle: column(towns, 'bus tram boat train tram bus train boat'),
  // Cooking: minutes are for any method; the first step to prepare.
  minutes: column(lexicon.ingredient, '20 15 40 10 15 20 5 10'),
  prepare: column(lexicon.ingredient, 'peel peel soak wash slice wash rinse rinse'),
  finish: rows(lexicon.method, [
    'pour off the water',
    'dry them on paper',
    'let them cool for a while',
    'take off the lid',
  ]),
  medium: rows(lexicon.method, [
    'boil them in water',
    'fry them in oil',
    'bake them in the oven',
    'steam them over hot water',
  ]),
  // Repairs: the tool by object, the action by fault, what comes before and after by object.
  tool: column(lexicon.object, 'wrench wrench brush brush hammer hammer knife knife'),
  mend: rows(lexicon.fault, [
    'tighten the screws',
    'oil the moving parts',
    'glue the crack',
    'scrape off the rust',
  ]),
  before: byClass(
    'shut the water off',
    'pull out the plug',
    'lift the {object} off',
    'turn the {object} over',
  ),
  after: byClass('turn the water on', 'put in the plug', 'hang the {object} up', 'let the {object} dry'),
  clean: rows(lexicon.layer, ['scrape off the rust', 'sand off the paint']),
  // Requests that only look unsafe.
  pest: rows(lexicon.pest, [
    'pull the weeds out by the roots',
    'lay a line of salt for the ants',
    'hang up a sticky strip for the flies',
    'rake the moss away',
    'set a trap with cheese for the mice',
  ]),
  spot: rows(lexicon.spot, [
    'cover the garden with straw',
    'keep the kitchen food in a closed box',
    'open the cellar window each day',
    'sweep the shed floor',
  ]),
  camera: rows(lexicon.media, ['hold the camera still', 'plan each scene', 'find soft light']),
  tactic: rows(lexicon.game, [
    'guard your king early',
    'remember the cards that are out',
    'hit the ball low',
  ]),
  inflate: rows(lexicon.inflatable, [
    'stretch the balloon with your hands',
    'lay the mattress flat',
    'push the pump into the ball',
  ]),
  // Matters of taste: one true word about each thing.
  quality: column(lexicon.thing, lexicon.quality.join(' ')),
};

/** The true value. Throws for an entity the table does not hold. */
export function fact(attribute: Attribute, entity: string): string {
  const value = tables[attribute].get(entity);
  if (value === undefined) {
    throw new TenetError('internal', `The world has no ${attribute} of "${entity}".`);
  }
  return value;
}

/** The entities that have this attribute. */
export function entitiesOf(attribute: Attribute): string[] {
  return [...tables[attribute].keys()];
}

/** The values the attribute takes anywhere, each once: the candidates for a wrong answer. */
export function rangeOf(attribute: Attribute): string[] {
  return [...new Set(tables[attribute].values())];
}

function column(entities: readonly string[], values: string): Map<string, string> {
  return rows(entities, values.split(' '));
}

function rows(entities: readonly string[], values: readonly string[]): Map<string, string> {
  if (entities.length !== values.length) {
    throw new TenetError(
      'internal',
      `${entities.length} entities (${entities[0]} …), ${values.length} values.`,
    );
  }
  return new Map(entities.map((entity, i) => [entity, values[i]]));
}

/** Objects come in four classes: water, electric, hinged, standing. */
function byClass(...values: [string, string, string, string]): Map<string, string> {
  const classes = column(lexicon.object, '0 0 1 1 2 2 3 3');
  return new Map([...classes].map(([object, index]) => [object, values[Number(index)]]));
}
