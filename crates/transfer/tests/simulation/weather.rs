//! What can go wrong in one run, and how often.

use crate::fate::Fate;

/// Probabilities are per request, chunk or access.
#[derive(Debug, Clone, Default)]
pub struct Weather {
    // The way to the store
    /// Refused or broken before anything happened.
    pub refused: f64,
    /// Done, and the answer lost.
    pub lost: f64,
    /// Reported as broken, and done some time after.
    pub late: f64,
    /// Done twice.
    pub twice: f64,
    /// For seconds on end, everything is answered with SlowDown.
    pub storms: bool,
    /// A bit of a body turned on the way to the store.
    pub wire: f64,
    /// A bit turned in the store, before it computes the ETag.
    pub rot: f64,
    // Bodies of downloads
    pub cut: f64,
    pub short: f64,
    pub long: f64,
    /// The length that is announced is another one.
    pub lies: f64,
    pub turned: f64,
    // The disk
    pub unreadable: f64,
    /// Bytes that can still be written.
    pub room: Option<u64>,
    /// A crash loses what was not synced.
    pub power_cut: bool,
    /// No request takes longer, in milliseconds.
    pub slowest: u64,
}

impl Weather {
    pub fn calm() -> Self {
        Self {
            slowest: 20,
            ..Self::default()
        }
    }

    /// Each fault is absent from most seeds, so that every one is met alone and in company.
    pub fn of(fate: &Fate) -> Self {
        let mut weather = Self {
            slowest: fate.one_of(&[0, 5, 50, 500]),
            ..Self::default()
        };
        if fate.chance(0.15) {
            return weather;
        }
        let rates = [
            &mut weather.refused,
            &mut weather.lost,
            &mut weather.late,
            &mut weather.twice,
            &mut weather.wire,
            &mut weather.rot,
            &mut weather.cut,
            &mut weather.short,
            &mut weather.long,
            &mut weather.lies,
            &mut weather.turned,
            &mut weather.unreadable,
        ];
        for rate in rates {
            if fate.chance(0.25) {
                *rate = fate.one_of(&[0.01, 0.05, 0.2, 0.4]);
            }
        }
        // Damage and broken disks are rarer than lines that break; were they not, nothing arrived.
        weather.rot = weather.rot.min(0.05);
        weather.unreadable = weather.unreadable.min(0.05);
        weather.turned = weather.turned.min(0.05);
        weather.storms = fate.chance(0.2);
        weather.room = fate
            .chance(0.1)
            .then(|| fate.one_of(&[0, 1000, 20_000, 200_000]));
        weather.power_cut = fate.chance(0.5);
        weather
    }

    /// Nothing of it may keep a file from arriving.
    pub fn is_mild(&self) -> bool {
        self.rot == 0.0
            && self.turned == 0.0
            && self.unreadable == 0.0
            && self.room.is_none()
            && [
                self.refused,
                self.lost,
                self.late,
                self.wire,
                self.cut,
                self.short,
                self.long,
                self.lies,
            ]
            .iter()
            .sum::<f64>()
                <= 0.06
            && !self.storms
    }
}
