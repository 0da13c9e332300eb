"""A contact sheet: every task of the simulated robot, one scene of each split and what is asked in it.

python launch/examples/every_task.py [FILE.png] [SEED]
"""

import sys
import textwrap

import gymnasium
from PIL import Image, ImageDraw, ImageFont

import sims
from sims.splits import SPLITS

TILE, WORDS, TASKS_A_ROW = 168, 40, 2


def scene(task: str, split: str, seed: int) -> tuple[Image.Image, str]:
    """A picture of the start and the instruction."""
    env = gymnasium.make(f"grounding/{task}-v0", split=split, obs=(), render_mode="rgb_array", disable_env_checker=True)
    observation, _ = env.reset(seed=seed)
    picture = Image.fromarray(env.render())
    env.close()
    return picture.resize((TILE, TILE), Image.Resampling.LANCZOS), observation["instruction"]


def main(path: str = "tasks.png", seed: str = "0") -> None:
    """Draws the sheet."""
    rows = -(-len(sims.TASK_NAMES) // TASKS_A_ROW)
    width, height = TASKS_A_ROW * (len(SPLITS) * TILE + 12) - 12, rows * (TILE + WORDS + 20)
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    name_font, word_font = ImageFont.load_default(14), ImageFont.load_default(10)
    for index, task in enumerate(sims.TASK_NAMES):
        left, top = (index % TASKS_A_ROW) * (len(SPLITS) * TILE + 12), (index // TASKS_A_ROW) * (TILE + WORDS + 20)
        draw.text((left, top), f"{task}  ({', '.join(SPLITS)})", "black", name_font)
        for column, split in enumerate(SPLITS):
            picture, words = scene(task, split, int(seed))
            sheet.paste(picture, (left + column * TILE, top + 18))
            lines = textwrap.wrap(words, 34)[:3]
            draw.multiline_text((left + column * TILE + 3, top + TILE + 20), "\n".join(lines), "#444444", word_font)
    sheet.quantize(192, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
