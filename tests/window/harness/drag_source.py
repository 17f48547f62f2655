"""A window to drag files out of, like a file manager's: drag_source.py FILE...

Tells on standard output what happens, one JSON object a line.
"""

import json
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
gi.require_version("GdkX11", "3.0")
from gi.repository import Gdk, GdkX11, GLib, Gtk  # noqa: E402,F401  (the versions come first)


def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


uris = [GLib.filename_to_uri(path, None) for path in sys.argv[1:]]
window = Gtk.Window(title="drag-source", type_hint=Gdk.WindowTypeHint.UTILITY)
window.set_default_size(110, 80)
window.set_decorated(False)
window.set_keep_above(True)
window.set_accept_focus(False)
grip = Gtk.EventBox()
grip.add(Gtk.Label(label="files"))
window.add(grip)
grip.drag_source_set(Gdk.ModifierType.BUTTON1_MASK, [], Gdk.DragAction.COPY)
grip.drag_source_add_uri_targets()


def give(_widget, _context, data, _info, _time):
    data.set_uris(uris)
    tell("taken")


def end(_widget, _context):
    tell("end")


def failed(_widget, _context, result):
    tell("failed", reason=result.value_nick)


grip.connect("drag-data-get", give)
grip.connect("drag-begin", lambda *_: tell("begin"))
grip.connect("drag-end", end)
grip.connect("drag-failed", failed)
window.connect("destroy", Gtk.main_quit)
window.connect("map-event", lambda *_: tell("shown", window=window.get_window().get_xid()))
screen = Gdk.get_default_root_window()
window.move(screen.get_width() - 130, 60)
window.show_all()
Gtk.main()
