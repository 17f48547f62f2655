//! The practice store's one key.

use rand::Rng;
use rand::distr::{Alphanumeric, SampleString};
use secrecy::SecretString;

/// An access key and its secret, unpredictable.
#[derive(Debug, Clone)]
pub struct PracticeKey {
    pub access_key_id: String,
    pub secret: SecretString,
}

impl PracticeKey {
    /// Twenty characters of id, forty of secret (238 bits), as AWS has them.
    pub fn generate() -> Self {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        // The thread's generator is cryptographic and seeded by the system.
        let mut random = rand::rng();
        let id: String = (0..14)
            .map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]))
            .collect();
        let secret = Alphanumeric.sample_string(&mut random, 40);
        Self {
            access_key_id: format!("WHERRY{id}"),
            secret: SecretString::from(secret),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn keys_differ_and_never_print_their_secret() {
        let (a, b) = (PracticeKey::generate(), PracticeKey::generate());
        assert_ne!(a.access_key_id, b.access_key_id);
        assert_ne!(a.secret.expose_secret(), b.secret.expose_secret());
        assert_eq!(
            (a.access_key_id.len(), a.secret.expose_secret().len()),
            (20, 40)
        );
        assert!(!format!("{a:?}").contains(a.secret.expose_secret()));
    }
}
