"""Write what Python's peft computes for adapters with known weights: src/model/adapter/peft.golden.json.

    python scripts/make-peft-golden.py REFERENCE_MODELS > src/model/adapter/peft.golden.json

REFERENCE_MODELS is a folder of small random models, one per family. Every adapter tensor is filled by the same rule
that the test uses: value i of a tensor is `size * sin(i + 1 + offset)`, with the offset counted by the tensor's place
in sorted order of names; magnitudes of DoRA are multiplied by 1 + that. The loss is the mean cross-entropy of all
next tokens of two rows of 12 ids.

Needs: pip install torch transformers peft.
"""

import json
import sys

import peft
import torch
import transformers
from transformers import AutoModelForCausalLM

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

CASES = [
    ("llama-tied-gqa", dict(r=3, lora_alpha=6, target_modules="all-linear")),
    ("llama-tied-gqa", dict(r=3, lora_alpha=6, target_modules=["q_proj", "down_proj"], use_rslora=True)),
    ("llama-tied-gqa", dict(r=3, lora_alpha=6, target_modules="all-linear", use_dora=True)),
    ("gpt2", dict(r=2, lora_alpha=5, target_modules="all-linear", fan_in_fan_out=True)),
    ("gpt2", dict(r=2, lora_alpha=5, target_modules=["c_attn"], use_dora=True, fan_in_fan_out=True)),
    ("gpt-neox", dict(r=2, lora_alpha=4, target_modules="all-linear")),
]


def short(name):
    return name.removeprefix("base_model.model.").replace(".default", "")


def fill(model):
    trained = {short(n): p for n, p in model.named_parameters() if p.requires_grad}
    for offset, name in enumerate(sorted(trained)):
        parameter = trained[name]
        wave = torch.sin(torch.arange(parameter.numel(), dtype=torch.float64) + 1 + offset).reshape(parameter.shape)
        if "magnitude" in name:
            parameter.data.mul_((1 + 0.2 * wave).float())
        else:
            parameter.data.copy_((0.3 * wave).float())
    return trained


def case(folder, name, options):
    model = AutoModelForCausalLM.from_pretrained(f"{folder}/{name}", dtype=torch.float32)
    model = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **options))
    trained = fill(model)
    ids = torch.tensor([[(7 * t + 3 * row) % model.config.vocab_size for t in range(12)] for row in range(2)])
    logits = model(input_ids=ids).logits[:, :-1]
    logprobs = torch.log_softmax(logits, -1).gather(-1, ids[:, 1:, None])[..., 0]
    loss = -logprobs.mean()
    loss.backward()
    return {
        "model": name,
        "options": options,
        "loss": loss.item(),
        "logprobs": logprobs.tolist(),
        "gradient_norms": {
            n.removesuffix(".weight") if "magnitude" in n else n: p.grad.double().norm().item()
            for n, p in sorted(trained.items())
        },
    }


torch.manual_seed(0)
versions = {"peft": peft.__version__, "transformers": transformers.__version__, "torch": torch.__version__}
cases = [case(sys.argv[1], name, options) for name, options in CASES]
print(json.dumps({"versions": versions, "cases": cases}))
