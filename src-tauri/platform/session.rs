//! Linux desktops decide by themselves when an unused computer sleeps, and not all of them ask logind.

use zbus::blocking::Connection;

/// One desktop's way to be asked.
struct Way {
    name: &'static str,
    path: &'static str,
    release: &'static str,
}

const GNOME: Way = Way {
    name: "org.gnome.SessionManager",
    path: "/org/gnome/SessionManager",
    release: "Uninhibit",
};

/// KDE, Xfce, MATE and others.
const OTHERS: Way = Way {
    name: "org.freedesktop.PowerManagement",
    path: "/org/freedesktop/PowerManagement/Inhibit",
    release: "UnInhibit",
};

/// GNOME's sleep of a computer that nobody uses; screens may go dark.
const SUSPEND: u32 = 4;

/// The desktop keeps the computer awake until this is dropped.
pub struct Inhibited {
    session: Connection,
    way: &'static Way,
    cookie: u32,
}

/// None where no desktop takes it.
pub fn keep_awake(app: &str, why: &str) -> Option<Inhibited> {
    let session = match Connection::session() {
        Ok(session) => session,
        Err(error) => {
            tracing::debug!(%error, "there is no session to keep awake");
            return None;
        }
    };
    let cookie = |way: &Way, answer: zbus::Result<zbus::Message>| {
        let cookie = answer.and_then(|answer| answer.body().deserialize::<u32>());
        cookie
            .inspect_err(
                |error| tracing::debug!(%error, desktop = way.name, "is not asked to stay awake"),
            )
            .ok()
    };
    // No window is named: the desktop shows the reason alone.
    let gnome = GNOME.call(&session, "Inhibit", &(app, 0_u32, why, SUSPEND));
    let found = cookie(&GNOME, gnome)
        .map(|cookie| (&GNOME, cookie))
        .or_else(|| {
            let others = OTHERS.call(&session, "Inhibit", &(app, why));
            cookie(&OTHERS, others).map(|cookie| (&OTHERS, cookie))
        });
    found.map(|(way, cookie)| Inhibited {
        session,
        way,
        cookie,
    })
}

impl Way {
    fn call<B>(&self, session: &Connection, method: &str, body: &B) -> zbus::Result<zbus::Message>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        let interface = self.path.trim_start_matches('/').replace('/', ".");
        session.call_method(Some(self.name), self.path, Some(&*interface), method, body)
    }
}

impl Drop for Inhibited {
    fn drop(&mut self) {
        // The end of the connection says the same.
        let _ = self.way.call(&self.session, self.way.release, &self.cookie);
    }
}
