"""A window to drop files on, like the desktop: drag_target.py

Tells on standard output what happens, one JSON object a line.
"""

import json

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
gi.require_version("GdkX11", "3.0")
from gi.repository import Gdk, GdkX11, GLib, Gtk  # noqa: E402,F401  (the versions come first)


def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


window = Gtk.Window(title="drag-target", type_hint=Gdk.WindowTypeHint.UTILITY)
window.set_default_size(110, 80)
window.set_decorated(False)
window.set_keep_above(True)
window.set_accept_focus(False)
place = Gtk.EventBox()
place.add(Gtk.Label(label="desktop"))
window.add(place)
place.drag_dest_set(Gtk.DestDefaults.ALL, [], Gdk.DragAction.COPY | Gdk.DragAction.MOVE)
place.drag_dest_add_uri_targets()


def receive(_widget, _context, _x, _y, data, _info, _time):
    # Told once the source knows it too: who hears of it may end this program, and a drop whose end is never
    # said keeps GTK busy in the source for minutes.
    GLib.idle_add(received, data.get_uris())


def received(uris):
    Gdk.Display.get_default().sync()
    tell("received", uris=uris)


place.connect("drag-data-received", receive)
place.connect("drag-motion", lambda *_: tell("motion"))
place.connect("drag-drop", lambda *_: tell("dropped"))
window.connect("destroy", Gtk.main_quit)


def settle(nudge=0):
    """Tells that it is there once it knows where: moved by the window manager while it is shown, GTK may believe
    that it is elsewhere, and finds nothing of its own under a drag."""
    surface = window.get_window()
    if tuple(surface.get_position()) == tuple(surface.get_origin())[1:]:
        tell("shown", window=surface.get_xid())
    else:
        window.move(*at(nudge))
        GLib.timeout_add(50, settle, 1 - nudge)
    return GLib.SOURCE_REMOVE


def at(nudge):
    screen = Gdk.get_default_root_window()
    return screen.get_width() - 130 - nudge, screen.get_height() - 160


window.connect("map-event", lambda *_: GLib.idle_add(settle) and None)
window.move(*at(0))
window.show_all()
Gtk.main()
