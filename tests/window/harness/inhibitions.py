"""What keeps the computer awake, as logind has it: writes down who asks for it and when they let it sleep again.

A JSON object a line. As in logind, an inhibition lasts as long as somebody holds the file that was the answer.
"""

import json
import os
import sys

from gi.repository import Gio, GLib

NAME = "org.freedesktop.login1"
INTERFACE = """
<node><interface name="org.freedesktop.login1.Manager">
  <method name="Inhibit">
    <arg direction="in" type="s"/><arg direction="in" type="s"/><arg direction="in" type="s"/><arg direction="in" type="s"/>
    <arg direction="out" type="h"/>
  </method>
</interface></node>
"""
taken = 0


def say(**words):
    print(json.dumps(words), flush=True)


def called(_connection, _sender, _path, _interface, _method, arguments, invocation):
    global taken
    what, who, why, mode = arguments.unpack()
    taken += 1
    mine, theirs = os.pipe()
    files = Gio.UnixFDList()
    place = files.append(theirs)
    os.close(theirs)
    GLib.io_add_watch(mine, GLib.IO_HUP, released, taken)
    say(event="taken", id=taken, what=what, who=who, why=why, mode=mode)
    invocation.return_value_with_unix_fd_list(GLib.Variant("(h)", (place,)), files)


def released(file, _condition, number):
    os.close(file)
    say(event="released", id=number)
    return False


def ended(*_):
    loop.quit()
    return False


def acquired(connection, _name):
    interface = Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0]
    connection.register_object("/org/freedesktop/login1", interface, called)
    GLib.io_add_watch(sys.stdin, GLib.IO_HUP, ended)


loop = GLib.MainLoop()
Gio.bus_own_name(
    Gio.BusType.SESSION, NAME, Gio.BusNameOwnerFlags.NONE,
    acquired, lambda *_: say(event="ready"), lambda *_: loop.quit(),
)  # fmt: skip
loop.run()
