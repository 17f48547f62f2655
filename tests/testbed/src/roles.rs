//! Gateways whose token service lends keys: to a key that may take on a role, and to people an OpenID Connect
//! provider vouches for.

use std::process::Command;

use crate::{Oidc, Rgw, Testbed};

const MAY_ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::*"}]}"#;
const TEST_MAY_ASSUME: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/test"]},"Action":["sts:AssumeRole"]}]}"#;

/// Talks to the gateway's IAM API, as `radosgw-admin` of this Ceph cannot do it.
const TRUST: &str = "
import sys, boto3
endpoint, access, secret, issuer, thumbprint, *audiences = sys.argv[1:]
iam = boto3.client('iam', endpoint_url=endpoint, aws_access_key_id=access, aws_secret_access_key=secret, region_name='us-east-1')
iam.create_open_id_connect_provider(Url=issuer, ClientIDList=audiences, ThumbprintList=[thumbprint])
";

impl Rgw {
    /// A gateway for this test alone, whose user `test` may take on `arn:aws:iam:::role/Reader`.
    ///
    /// # Panics
    /// When it cannot be started; the message says why.
    pub fn start_private_with_role() -> Self {
        let rgw = Self::start_private_with_sts();
        rgw.role("Reader", TEST_MAY_ASSUME);
        rgw
    }

    /// A gateway for this test alone that trusts the provider's tokens: those for its own audience for
    /// `arn:aws:iam:::role/Web`, those for its client for `arn:aws:iam:::role/Person`.
    ///
    /// # Panics
    /// When it cannot be started; the message says why.
    pub fn start_private_trusting(oidc: &Oidc) -> Self {
        let rgw = Self::start_private_with_sts();
        let done = Command::new(Testbed::python())
            .args(["-c", TRUST, &rgw.endpoint, &rgw.access_key, &rgw.secret_key])
            .args([&oidc.issuer, &oidc.thumbprint, &oidc.audience, &oidc.client])
            .output()
            .expect("python runs");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{said}");
        let host = oidc.issuer.trim_start_matches("http://");
        for (name, audience) in [("Web", &oidc.audience), ("Person", &oidc.client)] {
            let trust = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":["arn:aws:iam:::oidc-provider/{host}"]}},"Action":["sts:AssumeRoleWithWebIdentity"],"Condition":{{"StringEquals":{{"{host}:app_id":"{audience}"}}}}}}]}}"#
            );
            rgw.role(name, &trust);
        }
        rgw
    }

    fn role(&self, name: &str, trust: &str) {
        let trust = format!("--assume-role-policy-doc={trust}");
        let (role, may) = (
            format!("--role-name={name}"),
            format!("--policy-doc={MAY_ALL}"),
        );
        self.admin(&["role", "create", &role, &trust]);
        self.admin(&["role-policy", "put", &role, "--policy-name=all", &may]);
    }
}
