//! A Python program with s3fs, from which xarray, dask and pandas read.

use secrecy::zeroize::Zeroizing;

use super::boto3::{OWN_PATH, config, needs_own_path, quoted};
use super::{Body, Draft, Facts, Part, Tool};

pub(super) const TOOL: Tool = Tool {
    id: "xarray",
    name: "s3fs and xarray",
    about: "arrays and tables straight from the store, in Python",
    merges: None,
    draft,
};

fn draft(facts: &Facts) -> Draft {
    let mut text = Zeroizing::new(String::from("import s3fs\n"));
    if needs_own_path(facts) {
        text.push_str("from aiobotocore.session import get_session\n");
        text.push_str(OWN_PATH);
        text.push_str(
            "\nsession = get_session()\nsession.register(\"before-sign.s3\", sign_own_path)\n",
        );
    }
    text.push_str("\nfs = s3fs.S3FileSystem(\n");
    if needs_own_path(facts) {
        text.push_str("    session=session,\n");
    }
    match &facts.key {
        Some(key) => {
            let values = [
                ("key", Some(&key.id)),
                ("secret", Some(&*key.secret)),
                ("token", key.token.as_deref()),
            ];
            for (name, value) in values {
                if let Some(value) = value {
                    text.push_str(&format!("    {name}="));
                    text.push_str(&quoted(value));
                    text.push_str(",\n");
                }
            }
        }
        None => text.push_str("    anon=True,\n"),
    }
    text.push_str("    client_kwargs={\n");
    let mut client = vec![
        ("endpoint_url", &facts.endpoint),
        ("region_name", &facts.region),
    ];
    client.extend(facts.ca_file.as_ref().map(|file| ("verify", file)));
    for (name, value) in client {
        text.push_str(&format!(
            "        \"{name}\": {},\n",
            quoted(value).as_str()
        ));
    }
    text.push_str("    },\n    config_kwargs={\n");
    for (name, value) in config(facts) {
        // `anon` says so already.
        if facts.key.is_some() || name != "signature_version" {
            text.push_str(&format!("        \"{name}\": {value},\n"));
        }
    }
    text.push_str("    },\n)\n\n");
    text.push_str(if facts.key.is_some() {
        "print(fs.ls(\"\"))\n\n"
    } else {
        ""
    });
    text.push_str(
        "# import xarray\n# data = xarray.open_zarr(fs.get_mapper(\"BUCKET/PATH.zarr\"))\n\
         # data = xarray.open_dataset(fs.open(\"BUCKET/PATH.nc\"), engine=\"h5netcdf\")\n",
    );
    let mut notes = facts.notes();
    if facts.has_secret {
        notes.push(
            "A program with a secret in it should not be shared or put under version control."
                .to_owned(),
        );
    }
    Draft {
        parts: vec![Part {
            place: None,
            save_as: format!("{}_xarray.py", facts.entry.replace('-', "_")),
            body: Body::Whole(text),
        }],
        notes,
        carries_secret: true,
    }
}
