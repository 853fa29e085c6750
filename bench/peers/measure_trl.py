"""The work of `npm run bench -- peers`, done by TRL on this machine, on the CPU.

    python bench/peers/measure_trl.py [--size 5m|135m] [--threads 2] [--only sft,dpo] [--precisions float32]
        [--output trl.json]
    npm run bench -- peers --trl trl.json

Needs: pip install torch transformers trl. Every kind of work is timed in float32 and under bfloat16 autocast; leave the
second out on a processor that only emulates bfloat16, where it takes twenty times as long. The figures are tokens per
second: of whole rows for SFT, reward and DPO, of responses for RLOO, GRPO and generation.
An existing output file is added to, so that sizes can be measured one by one.
"""

import argparse
import importlib.metadata
import json
import os
import random
import statistics
import tempfile
import time

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import datasets
import torch
import transformers
import trl
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, LlamaConfig
from transformers import PreTrainedTokenizerFast, TrainerCallback

# The shapes of bench/sizes.ts, and how much work a step does there (bench/works.ts).
SIZES = {
    "5m": dict(
        model=dict(
            vocab_size=4096,
            hidden_size=256,
            intermediate_size=688,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=4,
        ),
        rows=16,
        responses=64,
        new_tokens=64,
        batches=(1, 32, 128),
        steps=6,
    ),
    "135m": dict(
        model=dict(
            vocab_size=49152,
            hidden_size=576,
            intermediate_size=1536,
            num_hidden_layers=30,
            num_attention_heads=9,
            num_key_value_heads=3,
        ),
        rows=4,
        responses=16,
        new_tokens=24,
        batches=(1, 32),
        steps=3,
    ),
}
ROW = 256
PROMPT, RESPONSE, GROUP = 32, 64, 4


class StepTimes(TrainerCallback):
    """When each step ended."""

    def __init__(self):
        self.times = []

    def on_step_end(self, args, state, control, **kwargs):
        self.times.append(time.perf_counter())

    def median(self):
        return statistics.median(b - a for a, b in zip(self.times, self.times[1:]))


class Bench:
    def __init__(self, size, bfloat16):
        self.size, self.bfloat16 = size, bfloat16
        self.config = LlamaConfig(
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
            **size["model"],
        )
        words = {f"w{i}": i for i in range(self.config.vocab_size)}
        tokenizer = Tokenizer(models.WordLevel(words, unk_token="w3"))
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        self.tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, bos_token="w1", eos_token="w2", pad_token="w0", unk_token="w3"
        )
        torch.manual_seed(0)
        random.seed(0)
        self.folder = tempfile.mkdtemp()
        AutoModelForCausalLM.from_config(self.config).save_pretrained(self.folder)
        self.tokenizer.save_pretrained(self.folder)

    def policy(self):
        return AutoModelForCausalLM.from_pretrained(self.folder, dtype=torch.float32)

    def text(self, words):
        return " ".join(f"w{random.randint(4, self.config.vocab_size - 1)}" for _ in range(words))

    def settings(self, **more):
        return dict(
            output_dir=tempfile.mkdtemp(),
            report_to=[],
            use_cpu=True,
            bf16=self.bfloat16,
            save_strategy="no",
            logging_steps=1000,
            disable_tqdm=True,
            gradient_checkpointing=False,
            dataloader_num_workers=0,
            max_steps=self.size["steps"],
            **more,
        )

    def timed(self, trainer, tokens):
        clock = StepTimes()
        trainer.add_callback(clock)
        trainer.train()
        return tokens / clock.median()

    def generate(self, batch):
        model = self.policy().eval()
        if self.bfloat16:
            model = model.to(torch.bfloat16)
        ids = torch.randint(4, self.config.vocab_size, (batch, PROMPT))
        count = self.size["new_tokens"]

        def run(tokens):
            with torch.no_grad():
                model.generate(
                    ids,
                    attention_mask=torch.ones_like(ids),
                    max_new_tokens=tokens,
                    min_new_tokens=tokens,
                    do_sample=True,
                    top_k=0,
                    pad_token_id=0,
                )

        run(4)
        started = time.perf_counter()
        run(count)
        return batch * count / (time.perf_counter() - started)

    def sft(self):
        rows = self.size["rows"]
        data = datasets.Dataset.from_list([{"text": self.text(ROW + 8)} for _ in range(rows * self.size["steps"])])
        args = trl.SFTConfig(**self.settings(per_device_train_batch_size=rows, max_length=ROW))
        trainer = trl.SFTTrainer(self.policy(), args=args, train_dataset=data, processing_class=self.tokenizer)
        return self.timed(trainer, rows * ROW)

    def pairs(self):
        rows = self.size["rows"] * self.size["steps"]
        return datasets.Dataset.from_list(
            [{"prompt": self.text(64), "chosen": self.text(64), "rejected": self.text(64)} for _ in range(rows)]
        )

    def reward(self):
        rows = self.size["rows"]
        model = AutoModelForSequenceClassification.from_pretrained(self.folder, num_labels=1, dtype=torch.float32)
        args = trl.RewardConfig(**self.settings(per_device_train_batch_size=rows, max_length=ROW))
        trainer = trl.RewardTrainer(model, args=args, train_dataset=self.pairs(), processing_class=self.tokenizer)
        return self.timed(trainer, rows * 2 * 128)

    def dpo(self):
        rows = self.size["rows"]
        args = trl.DPOConfig(**self.settings(per_device_train_batch_size=rows, max_length=ROW))
        trainer = trl.DPOTrainer(
            self.policy(),
            ref_model=self.policy(),
            args=args,
            train_dataset=self.pairs(),
            processing_class=self.tokenizer,
        )
        return self.timed(trainer, rows * 2 * 128)

    def sampled(self, config, trainer, **more):
        responses = self.size["responses"]
        prompts = datasets.Dataset.from_list([{"prompt": self.text(PROMPT)} for _ in range(responses)])

        def variety(completions, **kwargs):
            return [len(set(text.split())) / 10 for text in completions]

        args = config(
            **self.settings(
                per_device_train_batch_size=responses,
                num_generations=GROUP,
                max_completion_length=RESPONSE,
                beta=0.05,
                **more,
            )
        )
        made = trainer(self.policy(), variety, args=args, train_dataset=prompts, processing_class=self.tokenizer)
        return self.timed(made, responses * RESPONSE)

    def rloo(self):
        return self.sampled(trl.RLOOConfig, trl.RLOOTrainer)

    def grpo(self):
        return self.sampled(trl.GRPOConfig, trl.GRPOTrainer)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="5m")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="kinds of work, with commas between them; default: all")
    parser.add_argument("--precisions", default="float32,bfloat16")
    parser.add_argument("--output", default="trl.json")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = {}
    if os.path.exists(options.output):
        with open(options.output) as file:
            found = json.load(file)
    found["versions"] = {
        "trl": importlib.metadata.version("trl"),
        "transformers": transformers.__version__,
        "torch": torch.__version__,
    }
    found["threads"] = options.threads
    size = SIZES[options.size]
    works = {f"generate {batch}": ("generate", batch) for batch in size["batches"]}
    works.update({name: (name,) for name in ("sft", "reward", "dpo", "rloo", "grpo")})
    wanted = options.only.split(",") if options.only else list(works)
    for precision in options.precisions.split(","):
        bench = Bench(size, precision == "bfloat16")
        for name in wanted:
            method, *arguments = works[name]
            speed = getattr(bench, method)(*arguments)
            found.setdefault(options.size, {}).setdefault(name, {})[precision] = round(speed, 1)
            print(f"{options.size} {name} {precision}: {speed:,.0f} tokens/s", flush=True)
            with open(options.output, "w") as file:
                json.dump(found, file, indent=2)


if __name__ == "__main__":
    main()
