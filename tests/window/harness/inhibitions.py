"""What keeps the computer awake, as logind and GNOME have it: writes down who asks for it and when they let it
sleep again.

A JSON object a line. At logind, an inhibition lasts as long as somebody holds the file that was the answer; at
GNOME until it is taken back.
"""

import json
import os
import sys

from gi.repository import Gio, GLib

LOGIND = "org.freedesktop.login1"
GNOME = "org.gnome.SessionManager"
INTERFACES = """
<node>
  <interface name="org.freedesktop.login1.Manager">
    <method name="Inhibit">
      <arg direction="in" type="s"/><arg direction="in" type="s"/><arg direction="in" type="s"/><arg direction="in" type="s"/>
      <arg direction="out" type="h"/>
    </method>
  </interface>
  <interface name="org.gnome.SessionManager">
    <method name="Inhibit">
      <arg direction="in" type="s"/><arg direction="in" type="u"/><arg direction="in" type="s"/><arg direction="in" type="u"/>
      <arg direction="out" type="u"/>
    </method>
    <method name="Uninhibit"><arg direction="in" type="u"/></method>
  </interface>
</node>
"""
taken = 0
names = set()


def say(**words):
    print(json.dumps(words), flush=True)


def taken_by(**words):
    global taken
    taken += 1
    say(event="taken", id=taken, **words)
    return taken


def at_logind(_connection, _sender, _path, _interface, _method, arguments, invocation):
    what, who, why, mode = arguments.unpack()
    mine, theirs = os.pipe()
    files = Gio.UnixFDList()
    place = files.append(theirs)
    os.close(theirs)
    number = taken_by(at="logind", what=what, who=who, why=why, mode=mode)
    GLib.io_add_watch(mine, GLib.IO_HUP, released, number)
    invocation.return_value_with_unix_fd_list(GLib.Variant("(h)", (place,)), files)


def released(file, _condition, number):
    os.close(file)
    say(event="released", id=number)
    return False


def at_gnome(_connection, _sender, _path, _interface, method, arguments, invocation):
    if method == "Uninhibit":
        say(event="released", id=arguments.unpack()[0])
        invocation.return_value(None)
        return
    who, _window, why, what = arguments.unpack()
    number = taken_by(at="gnome", what=what, who=who, why=why)
    invocation.return_value(GLib.Variant("(u)", (number,)))


def ended(*_):
    loop.quit()
    return False


def acquired(connection, name):
    logind, gnome = Gio.DBusNodeInfo.new_for_xml(INTERFACES).interfaces
    if name == LOGIND:
        connection.register_object("/org/freedesktop/login1", logind, at_logind)
    else:
        connection.register_object("/org/gnome/SessionManager", gnome, at_gnome)


def owned(_connection, name):
    names.add(name)
    if len(names) == 2:
        say(event="ready")


loop = GLib.MainLoop()
for name in (LOGIND, GNOME):
    Gio.bus_own_name(Gio.BusType.SESSION, name, Gio.BusNameOwnerFlags.NONE, acquired, owned, ended)
GLib.io_add_watch(sys.stdin, GLib.IO_HUP, ended)
loop.run()
