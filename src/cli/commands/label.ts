import { Command } from 'commander';
import { agreementCommand } from '../label/agreement.ts';
import { copyCommand } from '../label/copy.ts';
import { createCommand } from '../label/create.ts';
import { exportCommand } from '../label/export.ts';
import { importCommand } from '../label/import.ts';
import { planCommand } from '../label/plan.ts';
import { prioritiseCommand } from '../label/prioritise.ts';
import { qualityCommand } from '../label/quality.ts';
import { routeCommand } from '../label/route.ts';
import { rulesCommand } from '../label/rules.ts';
import { statusCommand } from '../label/status.ts';
import { verifyCommand } from '../label/verify.ts';
import { workCommand } from '../label/work.ts';

/** `tenet label …`: labels by people and by AI, from tasks to data files, and the ledger that keeps them. */
export function labelCommand(): Command {
  return new Command('label')
    .summary('labels by people and by AI')
    .description(
      'Has people rank responses, and looks after the ledger, which keeps every judgement by people and by AI and never ' +
        'changes one.',
    )
    .addCommand(createCommand())
    .addCommand(workCommand())
    .addCommand(statusCommand())
    .addCommand(agreementCommand())
    .addCommand(qualityCommand())
    .addCommand(exportCommand())
    .addCommand(importCommand())
    .addCommand(prioritiseCommand())
    .addCommand(rulesCommand())
    .addCommand(planCommand())
    .addCommand(routeCommand())
    .addCommand(verifyCommand())
    .addCommand(copyCommand());
}
