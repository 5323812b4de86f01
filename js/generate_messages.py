"""Write js/src/messages.ts from src/nbrtc/messages/: the page's side of every message, as TypeScript.

Run it from the repository after changing a message: ``python js/generate_messages.py``. A test compares.
"""

import types
import typing
from pathlib import Path

import msgspec

from nbrtc import messages
from nbrtc.messages import ice, nouns, page, signaling

HEADER = """\
/** Generated from src/nbrtc/messages/ by `python js/generate_messages.py`: change it there. */

export const PROTOCOL = {protocol};

/** How strong the effects can be, in the order of the menu. */
export const EFFECTS: Readonly<Record<EffectName, EffectRange>> = {effects};
"""


STRUCTS = (messages.Wire, signaling.SignalingWire)
ALIASES = {
    "IceTransportPolicy": ice.IceTransportPolicy,
    "BundlePolicy": ice.BundlePolicy,
    "CandidateType": ice.CandidateType,
    "Transport": ice.Transport,
    "Phase": nouns.Phase,
    "RoomPhase": nouns.RoomPhase,
    "PeerState": nouns.PeerState,
    "Codec": nouns.Codec,
    "EffectName": nouns.EffectName,
    "RecordingLayout": nouns.RecordingLayout,
    "ErrorCode": signaling.ErrorCode,
}
"""Literals that have a name in TypeScript, too."""


def literal_text(literal: object) -> str:
    """A union of string literals."""
    return " | ".join(f'"{value}"' for value in typing.get_args(literal))


def type_text(annotation: object) -> str:
    """The TypeScript type of a Python annotation that `messages` uses."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return next(
            (name for name, alias in ALIASES.items() if alias == annotation), literal_text(annotation)
        )
    if origin in (types.UnionType, typing.Union):
        return " | ".join(dict.fromkeys(type_text(argument) for argument in arguments))
    if origin is tuple:
        inner = type_text(arguments[0])
        return f"readonly ({inner})[]" if " " in inner else f"readonly {inner}[]"
    if origin is dict:
        return f"Readonly<Record<{type_text(arguments[0])}, {type_text(arguments[1])}>>"
    names = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}
    if annotation is typing.Any:
        return "unknown"
    if annotation in names:
        return names[annotation]
    if isinstance(annotation, type) and issubclass(annotation, STRUCTS):
        return annotation.__name__
    raise TypeError(f"{annotation!r} has no TypeScript counterpart here: add it to js/generate_messages.py")


def with_default(struct: type[msgspec.Struct]) -> set[str]:
    """The names of the fields that have one."""
    return {field.name for field in msgspec.structs.fields(struct) if not field.required}


def struct_text(struct: type[msgspec.Struct]) -> str:
    """One interface, with the first line of its docstring."""
    summary = (struct.__doc__ or "").strip().splitlines()[0]
    lines = [f"/** {summary} */", f"export interface {struct.__name__} {{"]
    if struct.__struct_config__.tag is not None:
        lines.append(f'  readonly type: "{struct.__struct_config__.tag}";')
    hints = typing.get_type_hints(struct)
    # what has its default is left out on the signaling wire
    may_miss = set() if not struct.__struct_config__.omit_defaults else with_default(struct)
    for name, wire in zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True):
        lines.append(f"  readonly {wire}{'?' * (name in may_miss)}: {type_text(hints[name])};")
    return "\n".join([*lines, "}"])


def effects_text() -> str:
    """The table of the effects as an object literal."""
    rows = (
        f'  {name}: {{ title: "{row.title}", low: {row.low:g}, high: {row.high:g}, usual: {row.usual:g} }},'
        for name, row in nouns.EFFECTS.items()
    )
    return "\n".join(["{", *rows, "}"])


def generate() -> str:
    """The whole of messages.ts."""
    structs = [
        value
        for module in (ice, nouns, page, signaling)
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, STRUCTS)
        and value.__module__ == module.__name__
        and value not in STRUCTS
    ]
    parts = [HEADER.format(protocol=messages.PROTOCOL, effects=effects_text()).rstrip()]
    parts += [f"export type {name} = {literal_text(alias)};" for name, alias in ALIASES.items()]
    parts += [struct_text(struct) for struct in structs]
    for name in ("IceRecord", "Intent", "Event"):
        members = " | ".join(member.__name__ for member in typing.get_args(getattr(messages, name)))
        parts.append(f"export type {name} = {members};")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    Path(__file__).parent.joinpath("src/messages.ts").write_text(generate())
