"""Check that Hugging Face transformers computes the same from a folder saved by Tenet as from the original.

    python scripts/check-transformers.py ORIGINAL SAVED [--head causal|reward] [--tolerance 0]

Both folders are loaded in float32 and run on the same fixed token ids, padded on the right. The logits must
agree to `--tolerance` (largest absolute difference; 0, the default, means bit for bit, which float32 files
must reach; files rounded to 16 bits need their own). With `--head reward`, SAVED is loaded as
AutoModelForSequenceClassification and its score is compared with `score.weight` applied to the last real
hidden state of ORIGINAL.

Needs: pip install torch transformers. `npx tsx scripts/resave-model.ts IN OUT` makes SAVED from ORIGINAL.
Exits with 1 when anything differs, is missing or was newly initialised.
"""

import argparse
import sys

import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()


def load(auto_class, folder, failures):
    """The model in float32; anything that transformers had to guess is a failure."""
    model, report = auto_class.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        if report.get(kind):
            failures.append(f"{folder}: {kind}: {sorted(map(str, report[kind]))}")
    return model.eval()


def fixed_batch(config):
    """Two rows of ids that only depend on the vocabulary; the second row's last third is padding."""
    length = min(24, config.max_position_embeddings)
    generator = torch.Generator().manual_seed(7)
    ids = torch.randint(3, config.vocab_size, (2, length), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, length - length // 3 :] = 0
    pad = config.pad_token_id if config.pad_token_id is not None else 0
    return ids.masked_fill(mask == 0, pad), mask


def read_tensor(folder, name):
    with safe_open(f"{folder}/model.safetensors", framework="pt") as file:
        return file.get_tensor(name).float()


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original")
    parser.add_argument("saved")
    parser.add_argument("--head", choices=["causal", "reward"], default="causal")
    parser.add_argument("--tolerance", type=float, default=0.0)
    options = parser.parse_args()

    failures = []
    original = load(AutoModelForCausalLM, options.original, failures)
    ids, mask = fixed_batch(original.config)
    if options.head == "causal":
        saved = load(AutoModelForCausalLM, options.saved, failures)
        real = mask.bool()
        expected = original(input_ids=ids, attention_mask=mask).logits[real]
        found = saved(input_ids=ids, attention_mask=mask).logits[real]
    else:
        saved = load(AutoModelForSequenceClassification, options.saved, failures)
        score = read_tensor(options.saved, "score.weight")
        if saved.config.num_labels != len(score):
            failures.append(f"num_labels is {saved.config.num_labels}, must be {len(score)}")
        last = mask.sum(dim=1) - 1
        if saved.config.pad_token_id is None:
            # Without a padding id, transformers scores single rows only.
            batches = [(ids[i : i + 1, : last[i] + 1], mask[i : i + 1, : last[i] + 1]) for i in range(2)]
        else:
            batches = [(ids, mask)]
        expected, found = [], []
        for batch_ids, batch_mask in batches:
            batch = {"input_ids": batch_ids, "attention_mask": batch_mask}
            scores = torch.nn.functional.linear(original.base_model(**batch).last_hidden_state, score)
            expected.append(scores[torch.arange(len(batch_ids)), batch_mask.sum(dim=1) - 1])
            found.append(saved(**batch).logits)
        expected, found = torch.cat(expected), torch.cat(found)
    if expected.shape != found.shape:
        sys.exit(f"FAIL logits have shape {list(found.shape)}, expected {list(expected.shape)}")
    difference = (expected - found).abs().max().item()
    if not difference <= options.tolerance:
        failures.append(f"logits differ by up to {difference:.3g}, more than {options.tolerance:g}")
    for failure in failures:
        print(f"FAIL {failure}")
    if not failures:
        kind = type(saved).__name__
        print(f"ok   {kind}: {expected.numel()} logits, largest difference {difference:.3g}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
