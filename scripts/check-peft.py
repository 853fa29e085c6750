"""Check that Python's peft computes the same from an adapter saved by Tenet as Tenet's own merged export.

    python scripts/check-peft.py ADAPTER MERGED [--head causal|reward] [--tolerance 1e-4]

ADAPTER is a folder as a stage with `adapter: { type: lora }` leaves it (its base is where adapter_config.json says),
MERGED what `tenet export ADAPTER --merge --output MERGED` makes of it. Both are loaded in float32 and run on the same
fixed token ids; the logits (or scores) must agree to `--tolerance`. The adapter must also change them, or nothing was
checked.

Needs: pip install torch transformers peft. Exits with 1 when anything differs, is missing or was newly initialised.
"""

import argparse
import json
import sys
import warnings

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()


def load_adapter(auto_class, folder, failures, **options):
    """The base with the adapter on it; peft warns of keys that it misses, and here that is a failure."""
    with open(f"{folder}/adapter_config.json") as file:
        base = json.load(file)["base_model_name_or_path"]
    model = auto_class.from_pretrained(base, dtype=torch.float32, **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = PeftModel.from_pretrained(model, folder)
    failures.extend(f"{folder}: {w.message}" for w in caught if "missing" in str(w.message).lower())
    return model.eval()


def fixed_batch(config):
    length = min(24, config.max_position_embeddings)
    return torch.randint(3, config.vocab_size, (2, length), generator=torch.Generator().manual_seed(7))


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adapter")
    parser.add_argument("merged")
    parser.add_argument("--head", choices=["causal", "reward"], default="causal")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()

    failures = []
    if options.head == "reward":
        auto_class, extra = AutoModelForSequenceClassification, {"num_labels": 1}
    else:
        auto_class, extra = AutoModelForCausalLM, {}
    adapted = load_adapter(auto_class, options.adapter, failures, **extra)
    merged, report = auto_class.from_pretrained(options.merged, dtype=torch.float32, output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report.get(kind):
            failures.append(f"{options.merged}: {kind}: {sorted(map(str, report[kind]))}")
    ids = fixed_batch(merged.config)
    if options.head == "reward":
        for model in (adapted.base_model.model, merged):
            model.config.pad_token_id = 0
    beside = adapted(input_ids=ids).logits
    inside = merged.eval()(input_ids=ids).logits
    difference = (beside - inside).abs().max().item()
    print(f"largest difference of {'scores' if options.head == 'reward' else 'logits'}: {difference:.2e}")
    if not difference <= options.tolerance:
        failures.append(f"they differ by {difference}, more than {options.tolerance}")
    if options.head == "causal":
        with adapted.disable_adapter():
            change = (adapted(input_ids=ids).logits - beside).abs().max().item()
        print(f"largest change that the adapter makes: {change:.2e}")
        if change == 0:
            failures.append("the adapter changes nothing, so nothing was checked")
    for failure in failures:
        print(f"FAILED: {failure}")
    sys.exit(1 if failures else 0)


main()
