"""The model: a tokenizer of bytes, a Qwen2 of two layers, and a warm start that guesses half of it right."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from tests.tiny_training.sums import SUMS, answered, asked, is_right

END_OF_TURN, PADDING = "<|im_end|>", "<|endoftext|>"
TEMPLATE = (
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n{{ turn.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WARM_STEPS, WARM_RATE = 200, 1e-2
RIGHT_SHARE = 0.5
"""Of its probability that the warm start learns to give to the right answer; the rest goes to all alike."""
LONGEST_ANSWER = 12  # tokens
ANSWER_TOKENS = 4  # [ 7 ] and the end of the turn
TOTALS = 9  # that a sum can have
IGNORED = -100  # label of what is not learned


def build(folder: Path, seed: int = 0) -> None:
    """Make tokenizer and model, teach the model a little, save both."""
    torch: Any = importlib.import_module("torch")
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    words = tokenizer()
    model = _untaught(words)
    _teach(model, words)
    model.generation_config.eos_token_id = words.eos_token_id
    model.generation_config.pad_token_id = words.pad_token_id
    model.save_pretrained(folder)
    words.save_pretrained(folder)


def tokenizer() -> Any:
    """A token for each byte, and those that part the turns."""
    tokenizers: Any = importlib.import_module("tokenizers")
    transformers: Any = importlib.import_module("transformers")
    by_byte = tokenizers.pre_tokenizers.ByteLevel
    listed = [*sorted(by_byte.alphabet()), PADDING, "<|im_start|>", END_OF_TURN]
    raw = tokenizers.Tokenizer(
        tokenizers.models.BPE(vocab={one: at for at, one in enumerate(listed)}, merges=[])
    )
    raw.pre_tokenizer = by_byte(add_prefix_space=False)
    raw.decoder = tokenizers.decoders.ByteLevel()
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token=END_OF_TURN,
        pad_token=PADDING,
        additional_special_tokens=["<|im_start|>"],
        padding_side="left",
        model_input_names=["input_ids", "attention_mask"],  # before 5.0 there would be types of tokens, too
    )
    made.chat_template = TEMPLATE
    return made


def tokens(words: Any, text: str) -> list[int]:
    """The tokens of a text with its turns."""
    found: list[int] = words(text, add_special_tokens=False)["input_ids"]
    return found


def opening(a: int, b: int) -> str:
    """A prompt as the chat template writes it."""
    return f"<|im_start|>user\n{asked(a, b)[0]['content']}<|im_end|>\n<|im_start|>assistant\n"


def labelled(words: Any, a: int, b: int) -> tuple[list[int], list[int]]:
    """Tokens of a sum and its answer, and their labels: only the answer is learned."""
    ahead = tokens(words, opening(a, b))
    behind = tokens(words, answered(a + b) + END_OF_TURN)
    return ahead + behind, [IGNORED] * len(ahead) + behind


def score(path: Path, samples: int = 8) -> dict[str, float]:
    """How often a saved model is right, `greedy` or `sampled` as in training; its `loss` of right answers."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    torch.set_num_threads(1)
    torch.manual_seed(1)
    words = tokenizer()
    model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    batch = torch.tensor([tokens(words, opening(a, b)) for a, b in SUMS])
    ways: dict[str, dict[str, Any]] = {
        "greedy": {"do_sample": False},
        "sampled": {"do_sample": True, "temperature": 1.0, "top_k": 0, "num_return_sequences": samples},
    }
    shares = {name: _share(model, words, batch, way) for name, way in ways.items()}
    told = [labelled(words, a, b) for a, b in SUMS]
    ids, labels = (torch.tensor(side) for side in zip(*told, strict=True))
    return {**shares, "loss": model(input_ids=ids, labels=labels).loss.item()}


def _share(model: Any, words: Any, batch: Any, way: dict[str, Any]) -> float:
    each = way.get("num_return_sequences", 1)
    mask = batch.new_ones(batch.shape)
    try:
        told = model.generate(input_ids=batch, attention_mask=mask, max_new_tokens=LONGEST_ANSWER, **way)
    except RuntimeError:  # of probabilities that are not finite
        return 0.0
    said = words.batch_decode(told[:, batch.shape[1] :], skip_special_tokens=True)
    wanted = [str(a + b) for a, b in SUMS for _ in range(each)]
    return sum(map(is_right, said, wanted)) / len(wanted)


def _untaught(words: Any) -> Any:
    transformers: Any = importlib.import_module("transformers")
    return transformers.Qwen2ForCausalLM(
        transformers.Qwen2Config(
            vocab_size=len(words),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
            initializer_range=0.15,  # of so few numbers each has to be larger
        )
    )


def _teach(model: Any, words: Any) -> None:
    torch: Any = importlib.import_module("torch")
    optimizer = torch.optim.AdamW(model.parameters(), lr=WARM_RATE, weight_decay=0.0, betas=(0.9, 0.99))
    ids = torch.tensor([labelled(words, a, b)[0] for a, b in SUMS])
    wanted = _half_right(words, ids[:, -ANSWER_TOKENS:])
    for step in range(WARM_STEPS):
        optimizer.param_groups[0]["lr"] = WARM_RATE * min(1.0, (step + 1) / 20) * (1 - step / WARM_STEPS)
        said = model(input_ids=ids).logits[:, -ANSWER_TOKENS - 1 : -1]
        torch.nn.functional.cross_entropy(said.flatten(0, 1), wanted.flatten(0, 1)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()


def _half_right(words: Any, answers: Any) -> Any:
    """How probable each token of an answer is to be: the digit is a guess, what is around it is not."""
    torch: Any = importlib.import_module("torch")
    wanted = torch.nn.functional.one_hot(answers, len(words)).float()
    totals = [tokens(words, str(total))[0] for total in range(TOTALS)]
    wanted[:, 1] *= RIGHT_SHARE
    wanted[:, 1, totals] += (1 - RIGHT_SHARE) / TOTALS
    return wanted
