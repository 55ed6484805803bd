"""The pictures that the README shows are those that the program draws."""

import pytest

from tests.screenshots import FOLDER, PICTURES, Picture, draw


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
async def test_a_picture_shows_what_the_program_draws(picture: Picture) -> None:
    checked_in = (FOLDER / f"{picture.name}.svg").read_text()
    assert await draw(picture) == checked_in, "out of date: make screenshots"


def test_every_picture_is_drawn() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {picture.name for picture in PICTURES}
