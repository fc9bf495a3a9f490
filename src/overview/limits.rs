//! How much of each limit a function takes.

use std::collections::BTreeMap;

use lambda_pack_core::fitness::{Status, Subject, Tier, measures};
use lambda_pack_core::function::Function;
use lambda_pack_core::limits::{DIRECT_UPLOAD_BYTES, Quantity};
use lambda_pack_core::preflight::{Contents, Layer};

use super::model::{FunctionView, Limit};

/// Those of sizes as far as these are known. What layers of the project have counts, by name.
pub fn of(
    tier: Tier,
    view: &FunctionView,
    function: &Function,
    unzipped: &BTreeMap<String, Option<u64>>,
) -> Vec<Limit> {
    let size_bytes = view.package.as_ref().map(|package| package.size_bytes);
    let layers = function.layer_names().map(|name| {
        let bytes = unzipped.get(name).copied().flatten()?;
        let source = None;
        Some(Layer {
            function,
            bytes,
            source,
        })
    });
    let layers: Option<Vec<Layer>> = layers.collect();
    let unzipped = view.unzipped_bytes.filter(|_| layers.is_some());
    let layers = layers.unwrap_or_default();
    let subject = Subject {
        function,
        // Sizes are all that is asked for.
        contents: &Contents::whole(Vec::new(), Vec::new(), Vec::new()),
        size_bytes: size_bytes.unwrap_or_default(),
        unzipped_bytes: unzipped.unwrap_or_default(),
        layers: &layers,
        region: None,
    };
    let is_known = |quantity: Quantity| match quantity {
        Quantity::SizeBytes => size_bytes.is_some(),
        Quantity::UnzippedBytes => unzipped.is_some(),
        _ => true,
    };
    let measured = measures(tier, &subject).into_iter();
    let mut limits: Vec<Limit> = measured
        .filter(|measure| is_known(measure.quota.quantity))
        .map(|measure| Limit {
            name: measure.quota.quantity.name(),
            amount: measure.amount,
            most: measure.quota.most,
            status: match measure.amount > measure.quota.most {
                true => measure.quota.severity,
                false => Status::Pass,
            },
            whose: measure.quota.whose,
        })
        .collect();
    if let (Some(amount), Tier::Lambda) = (size_bytes, tier) {
        // It fails nothing: packages come out of the store.
        limits.push(Limit {
            name: "direct_upload_bytes",
            amount,
            most: DIRECT_UPLOAD_BYTES,
            status: Status::Pass,
            whose: "without S3 Lambda takes",
        });
    }
    limits
}
