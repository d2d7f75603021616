"""What docs/operations.md tells people to do works."""

import asyncio
import sys
from pathlib import Path

from pages import DOCS, blocks

from kapi_storage.sqlite_backend import SqliteBackend


async def test_the_backup_of_a_running_store_can_be_restored(tmp_path: Path) -> None:
    (recipe,) = [block.text for block in blocks(DOCS / "operations.md") if block.language == "python"]
    (tmp_path / "backup.py").write_text(recipe)
    database, copy = tmp_path / "kapi.db", tmp_path / "copy.db"
    running = SqliteBackend(database)
    await running.start()
    revision = await running.create("/registry/things/a", b"kept")
    process = await asyncio.create_subprocess_exec(sys.executable, tmp_path / "backup.py", database, copy)
    assert await process.wait() == 0
    await running.create("/registry/things/b", b"too late")
    await running.stop()

    restored = SqliteBackend(copy)
    await restored.start()
    found = (await restored.range("/registry/")).items
    assert [(item.key, item.value, item.revision) for item in found] == [("/registry/things/a", b"kept", revision)]
    assert await restored.create("/registry/things/c", b"new") > revision
    await restored.stop()
