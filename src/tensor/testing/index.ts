export type { CaseOptions, TestBuild, TestInput } from './build-case.ts';
export { evaluate } from './evaluate.ts';
export { type CheckGradientsOptions, checkGradients, type GradientReport } from './finite-differences.ts';
export { type CompareFusedOptions, compareFused } from './fused-kernels.ts';
