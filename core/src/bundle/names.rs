//! Names of environment variables, as Seed-Farmer makes them of parameters' names.

/// `vpc-id`, `vpcId`, `VpcId` and `vpc_id` all become `VPC_ID`.
///
/// The rules are those of Seed-Farmer's `upper_snake_case`, which are pyhumps' for names without separators, so that a
/// deployspec finds its variables: `APIResponse` becomes `API_RESPONSE`, `EC2Instance` `EC2_INSTANCE`. Only `-` is always
/// replaced; Seed-Farmer leaves it in names that are all upper case, where no shell could have the variable.
pub fn upper_snake_case(name: &str) -> String {
    let words = match is_one_of_words(name) {
        true => split_words(&lower_acronyms(name)),
        false => name.to_owned(),
    };
    words.replace('-', "_").to_uppercase()
}

/// Whether a shell can have a variable of this name.
pub fn is_variable_name(name: &str) -> bool {
    let is_first = |first: char| first.is_ascii_alphabetic() || first == '_';
    name.starts_with(is_first) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Camel or Pascal case: words that nothing but their case separates.
fn is_one_of_words(name: &str) -> bool {
    let is_separator = |c: char| matches!(c, '-' | '_');
    let has_separators = name.trim_matches(is_separator).contains(is_separator);
    !has_separators && name.contains(|c: char| c.is_ascii_lowercase())
}

/// `APIResponse` becomes `ApiResponse`: what stands before the last of several capitals or digits is one word.
fn lower_acronyms(name: &str) -> String {
    let is_capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    let chars: Vec<char> = name.chars().collect();
    let mut result = String::with_capacity(name.len());
    let mut at = 0;
    while at < chars.len() {
        let end = at + chars[at..].iter().take_while(|c| is_capital(**c)).count();
        let end_of_word = match end == chars.len() {
            true => end,
            false => end.max(at + 1) - 1,
        };
        if end_of_word <= at {
            result.push(chars[at]);
            at += 1;
            continue;
        }
        let mut follows_letter = false;
        for c in &chars[at..end_of_word] {
            result.push(if follows_letter { c.to_ascii_lowercase() } else { *c });
            follows_letter = c.is_ascii_alphabetic();
        }
        at = end_of_word;
    }
    result
}

/// `VpcId` becomes `Vpc_Id`.
fn split_words(name: &str) -> String {
    let mut result = String::with_capacity(name.len() + 4);
    let mut before = None;
    for c in name.chars() {
        if c.is_ascii_uppercase() && before.is_some_and(|before| !matches!(before, '-' | '_')) {
            result.push('_');
        }
        result.push(c);
        before = Some(c);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of Seed-Farmer 8.1 with pyhumps 3.8, but for `VPC-ID`, where it leaves the hyphen.
    #[test]
    fn names_are_those_of_seed_farmer() {
        for (name, variable) in [
            ("vpc-id", "VPC_ID"),
            ("vpcId", "VPC_ID"),
            ("VpcId", "VPC_ID"),
            ("vpc_id", "VPC_ID"),
            ("some-Complex_Name", "SOME_COMPLEX_NAME"),
            ("VPC", "VPC"),
            ("VPC_ID", "VPC_ID"),
            ("VPC-ID", "VPC_ID"),
            ("APIResponse", "API_RESPONSE"),
            ("EC2Instance", "EC2_INSTANCE"),
            ("vpcID", "VPC_ID"),
            ("s3Bucket", "S3_BUCKET"),
            ("S3Bucket", "S3_BUCKET"),
            ("S3BucketARN", "S3_BUCKET_ARN"),
            ("vpcId-x", "VPCID_X"),
            ("_vpcId", "_VPC_ID"),
            ("vpc_", "VPC_"),
            ("x", "X"),
            ("X", "X"),
            ("aB", "A_B"),
            ("Ab", "AB"),
            ("ABCd", "AB_CD"),
            ("abc2", "ABC2"),
            ("abc2Def", "ABC2_DEF"),
            ("eks1_27", "EKS1_27"),
            ("version3X", "VERSION3_X"),
            ("123", "123"),
            ("a--b", "A__B"),
            ("kmsKeyARNs", "KMS_KEY_AR_NS"),
            ("dbURL2", "DB_URL2"),
            ("ABc", "A_BC"),
            ("aBC", "A_BC"),
            ("-x", "_X"),
            ("_Vpc", "_VPC"),
            ("A1b", "A1B"),
            ("privateSubnetIds", "PRIVATE_SUBNET_IDS"),
            ("IPv6CIDR", "I_PV6_CIDR"),
            ("oauth2ClientID", "OAUTH2_CLIENT_ID"),
            ("X1Y2z", "X1_Y2Z"),
        ] {
            assert_eq!(upper_snake_case(name), variable, "{name}");
        }
    }

    #[test]
    fn shells_have_variables_of_these_names_alone() {
        assert!(["A", "_a1", "aB"].into_iter().all(is_variable_name));
        assert!(
            !["", "1A", "a-b", "a.b", "ä", "A B", "A="]
                .into_iter()
                .any(is_variable_name)
        );
    }
}
