"""Paths of znodes: `/a/b`, the root is `/`. Source: PathUtils, PrepRequestProcessor."""

from impl.zookeeper.codes import ErrorCode, KeeperError

ROOT = "/"
RESERVED = ("/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config")
"""Paths that no client may delete. DataTree.isSpecialPath."""


def is_valid(path: str) -> bool:
    """Whether a path may name a znode. PathUtils.validatePath.

    Absolute, without a trailing slash, empty, `.` or `..` components, or characters that cannot be displayed.
    """
    if path == ROOT:
        return True
    if not path.startswith("/"):
        return False
    return all(name not in ("", ".", "..") and all(map(_displayable, name)) for name in path[1:].split("/"))


def _displayable(character: str) -> bool:
    code = ord(character)
    # Java sees UTF-16: a character beyond the basic plane is a pair of surrogates, which are refused.
    return not (code <= 0x1F or 0x7F <= code <= 0x9F or 0xD800 <= code <= 0xF8FF or code >= 0xFFF0)


def require_valid(path: str) -> None:
    """Raises KeeperError BAD_ARGUMENTS for a path that cannot name a znode."""
    if not is_valid(path):
        raise KeeperError(ErrorCode.BAD_ARGUMENTS)


def components(path: str) -> tuple[str, ...]:
    """The names on the way from the root: ("a", "b") of `/a/b`, () of the root (also written as the empty path)."""
    return tuple(path[1:].split("/")) if path not in ("", ROOT) else ()


def parent_of(path: str) -> str:
    """The path of the parent; the root's own for a child of the root."""
    return path.rpartition("/")[0] or ROOT


def name_of(path: str) -> str:
    """The last component."""
    return path.rpartition("/")[2]


def child_of(parent: str, name: str) -> str:
    """The path of the child `name` of `parent`."""
    return f"/{name}" if parent in ("", ROOT) else f"{parent}/{name}"


def parent_for_write(path: str) -> str:
    """The parent of a path that is to be created; BAD_ARGUMENTS where there is none.

    PrepRequestProcessor.validatePathForCreate.
    """
    if "/" not in path or "\0" in path:
        raise KeeperError(ErrorCode.BAD_ARGUMENTS)
    return parent_of(path)


def parent_for_delete(path: str) -> str:
    """The parent of a path that is to be deleted; BAD_ARGUMENTS for the root and the reserved subtree.

    PrepRequestProcessor.getParentPathAndValidate.
    """
    if path in RESERVED:
        raise KeeperError(ErrorCode.BAD_ARGUMENTS)
    return parent_for_write(path)
