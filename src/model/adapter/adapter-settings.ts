/** What an adapter is: which matrices it changes, and how. Names in brackets are those of Python's `peft`. */

export interface AdapterSettings {
  /** `lora`: W + scale · B A. `dora`: the same, with the length of each output's weights learnt apart. */
  readonly type: 'lora' | 'dora';
  /** Rows of A and columns of B (`r`). */
  readonly rank: number;
  /** Numerator of the scale (`lora_alpha`). */
  readonly alpha: number;
  /** True: scale = alpha / √rank; false: alpha / rank (`use_rslora`). */
  readonly rsLora: boolean;
  /** Share of the inputs of A that are left out at random while fine-tuning (`lora_dropout`). */
  readonly dropout: number;
  /** Names of the linear layers that are adapted, as the ends of their tensors' names (`target_modules`). */
  readonly targetModules: 'all-linear' | readonly string[];
}

/**
 * The factor on B A.
 * @see Hu et al. 2022, arXiv:2106.09685, section 4.1; Kalajdzievski 2023, arXiv:2312.03732, eq. 4 for rsLoRA.
 */
export function scaleOf({ rank, alpha, rsLora }: Pick<AdapterSettings, 'rank' | 'alpha' | 'rsLora'>): number {
  return alpha / (rsLora ? Math.sqrt(rank) : rank);
}
