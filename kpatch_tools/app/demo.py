"""Use case: the main job on the embedded miniature kernel, scene by scene."""

import tomllib
from dataclasses import dataclass

from kpatch_tools.resources import data_dir


@dataclass(frozen=True, slots=True)
class Scene:
    """One run of the main job: the revision to bring the hook to, and what to know before the answer."""

    target: str
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """What the demo shows. `intro` says that this is a miniature and what it is about."""

    intro: str
    scenes: tuple[Scene, ...]


def load_story() -> Story:
    """The story that belongs to the bundled miniature."""
    data = tomllib.loads((data_dir("fixtures") / "miniature" / "story.toml").read_text("utf-8"))
    scenes = tuple(Scene(str(scene["target"]), str(scene["text"])) for scene in data["scene"])
    return Story(str(data["intro"]).strip(), scenes)
