"""The desktop's notifications, as far as an app can tell: writes down what is shown, and presses its buttons.

A JSON object a line: out, what was shown, with the id it got; in, `{"id": 1, "press": "rotate"}`.
"""

import json
import sys

from gi.repository import Gio, GLib

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
INTERFACE = """
<node><interface name="org.freedesktop.Notifications">
  <method name="GetCapabilities"><arg direction="out" type="as"/></method>
  <method name="GetServerInformation">
    <arg direction="out" type="s"/><arg direction="out" type="s"/><arg direction="out" type="s"/><arg direction="out" type="s"/>
  </method>
  <method name="CloseNotification"><arg direction="in" type="u"/></method>
  <method name="Notify">
    <arg direction="in" type="s"/><arg direction="in" type="u"/><arg direction="in" type="s"/><arg direction="in" type="s"/>
    <arg direction="in" type="s"/><arg direction="in" type="as"/><arg direction="in" type="a{sv}"/><arg direction="in" type="i"/>
    <arg direction="out" type="u"/>
  </method>
  <signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
  <signal name="NotificationClosed"><arg type="u"/><arg type="u"/></signal>
</interface></node>
"""
BY_THE_USER = 2
shown = 0


def say(**words):
    print(json.dumps(words), flush=True)


def called(connection, sender, path, interface, method, arguments, invocation):
    global shown
    answers = {
        "GetCapabilities": GLib.Variant("(as)", (["actions", "body"],)),
        "GetServerInformation": GLib.Variant("(ssss)", ("stand-in", "Wherry's tests", "1", "1.2")),
    }
    if method == "Notify":
        app, _, _, title, words, actions, _, _ = arguments.unpack()
        shown += 1
        answers["Notify"] = GLib.Variant("(u)", (shown,))
        say(event="shown", id=shown, app=app, title=title, words=words, actions=actions)
    invocation.return_value(answers.get(method))


def heard(channel, _condition, connection):
    line = sys.stdin.readline()
    if not line:
        loop.quit()
        return False
    told = json.loads(line)
    for signal, value in (("ActionInvoked", ("(us)", told["press"])), ("NotificationClosed", ("(uu)", BY_THE_USER))):
        form, argument = value
        connection.emit_signal(None, PATH, NAME, signal, GLib.Variant(form, (told["id"], argument)))
    return True


def acquired(connection, _name):
    connection.register_object(PATH, Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0], called)
    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, heard, connection)


loop = GLib.MainLoop()
Gio.bus_own_name(
    Gio.BusType.SESSION, NAME, Gio.BusNameOwnerFlags.NONE,
    acquired, lambda *_: say(event="ready"), lambda *_: loop.quit(),
)  # fmt: skip
loop.run()
