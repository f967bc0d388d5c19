"""What can be told, as values: for `Warden.tell`, which keeps several at once."""

from storewarden.api.deeds import (
    ROLES,
    STATUSES,
    Deed,
    Phase,
    Pin,
    Restore,
    TellChat,
    TellFile,
    TellScene,
    TellText,
    TellUsage,
    TellWorkflow,
)

__all__ = [
    "ROLES",
    "STATUSES",
    "Deed",
    "Phase",
    "Pin",
    "Restore",
    "TellChat",
    "TellFile",
    "TellScene",
    "TellText",
    "TellUsage",
    "TellWorkflow",
]
