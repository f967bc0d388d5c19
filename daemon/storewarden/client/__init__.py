"""What an application imports: ``from storewarden.client import Warden``.

Nothing but the standard library is imported with it; what opens a catalogue comes when it is asked
to.
"""

from storewarden.api.deeds import Phase
from storewarden.api.done import Done
from storewarden.client.errors import StorewardenError, Unreachable
from storewarden.client.recording import Call
from storewarden.client.warden import Warden

__all__ = ["Call", "Done", "Phase", "StorewardenError", "Unreachable", "Warden"]
