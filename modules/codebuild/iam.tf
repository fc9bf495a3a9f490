# The role of the builds. "*" stands only where IAM knows nothing smaller, and
# below prefixes.

locals {
  ssm_arn_prefix = "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter"
  ec2_arn_prefix = "arn:${local.partition}:ec2:${local.region}:${local.account}"
  s3_arn_prefix  = "arn:${local.partition}:s3:::"

  is_seedfarmer  = try(var.bundles.layout, "") == "seedfarmer"
  bundle_arns    = [for name in try(var.bundles.deployments, []) : "${local.s3_arn_prefix}${var.bundles.bucket}/${local.is_seedfarmer ? "bundle/" : ""}${name}/*"]
  parameter_arns = [for name in try(var.bundles.deployments, []) : "${local.ssm_arn_prefix}${local.is_seedfarmer ? "" : "/sf"}/${var.bundles.project}/${name}/*"]

  store_arn     = try(join("/", compact(["${local.s3_arn_prefix}${var.store.bucket}", var.store.prefix])), "")
  store_arns    = [for part in ["manifests", "packages", "provenance", "records", "sboms", "uses"] : "${local.store_arn}/${part}/*" if var.store != null]
  source_arns   = concat([for arn in local.bundle_arns : "${trimsuffix(arn, "*")}*/sources/*"], [for store in var.store[*] : "${local.store_arn}/sources/*"])
  bucket_arns   = distinct([for place in concat(var.bundles[*].bucket, var.store[*].bucket) : "${local.s3_arn_prefix}${place}"])
  log_group_arn = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/codebuild/${var.name}"

  statements = concat(
    [{
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["${local.log_group_arn}:*"]
    }],

    # To list tells "not there" from "not allowed"; S3 has no smaller right for it.
    length(local.bucket_arns) == 0 ? [] : [{
      Sid      = "LookAtBuckets"
      Effect   = "Allow"
      Action   = ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:ListBucket"]
      Resource = local.bucket_arns
    }],
    length(local.source_arns) == 0 ? [] : [{
      Sid      = "ReadSources"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:GetObjectVersion"]
      Resource = local.source_arns
    }],
    length(local.store_arns) == 0 ? [] : [{
      Sid      = "WritePackages"
      Effect   = "Allow"
      Action   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
      Resource = local.store_arns
    }],
    # Who uploads waits for who deletes.
    length(local.store_arns) == 0 ? [] : [{
      Sid      = "LookWhoDeletes"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = ["${local.store_arn}/gc.json"]
    }],
    length(local.bundle_arns) == 0 ? [] : [
      {
        Sid      = "WriteBundles"
        Effect   = "Allow"
        Action   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = local.bundle_arns
      },
      {
        Sid      = "WriteRecords"
        Effect   = "Allow"
        Action   = ["ssm:DeleteParameter", "ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:PutParameter"]
        Resource = local.parameter_arns
      },
    ],

    length(var.secret_arns) == 0 ? [] : [{
      Sid      = "ReadSecrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = var.secret_arns
    }],
    length(var.parameter_arns) == 0 ? [] : [{
      Sid      = "ReadParameters"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter", "ssm:GetParameters"]
      Resource = var.parameter_arns
    }],
    length(var.kms_key_arns) == 0 ? [] : [{
      Sid      = "UseKeys"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = var.kms_key_arns
    }],

    [for binary in var.lambda_pack_binary[*] : {
      Sid      = "ReadLambdaPack"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = ["${local.s3_arn_prefix}${binary.bucket}/${binary.key}"]
    }],
    [for cache in [var.cache] : {
      Sid      = "KeepCache"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
      Resource = ["${local.s3_arn_prefix}${cache.bucket}/${cache.prefix}/*"]
    } if cache.type == "S3"],

    length(var.ecr_repository_arns) == 0 ? [] : [
      {
        Sid      = "PullImages"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = var.ecr_repository_arns
      },
      {
        Sid      = "LogInToEcr"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = ["*"]
      },
    ],
  )

  # Network interfaces can't be named beforehand.
  # https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-iam-identity-based-access-control.html
  vpc_statements = [for statement in [
    {
      Sid    = "AttachToVpc"
      Effect = "Allow"
      Action = [
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
      ]
      Resource = ["*"]
    },
    {
      Sid      = "GiveInterfacesToCodeBuild"
      Effect   = "Allow"
      Action   = ["ec2:CreateNetworkInterfacePermission"]
      Resource = ["${local.ec2_arn_prefix}:network-interface/*"]
      Condition = {
        StringEquals = { "ec2:AuthorizedService" = "codebuild.amazonaws.com" }
        ArnEquals    = { "ec2:Subnet" = [for id in try(var.vpc.subnet_ids, []) : "${local.ec2_arn_prefix}:subnet/${id}"] }
      }
    },
  ] : statement if var.vpc != null]

  # For whoever starts builds and waits for them.
  starter_statements = concat(
    [
      {
        Sid      = "StartBuilds"
        Effect   = "Allow"
        Action   = ["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"]
        Resource = [local.project_arn]
      },
      {
        Sid      = "ReadLogs"
        Effect   = "Allow"
        Action   = ["logs:GetLogEvents"]
        Resource = ["${local.log_group_arn}:*"]
      },
    ],
    length(local.parameter_arns) == 0 ? [] : [{
      Sid      = "ReadRecords"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter", "ssm:GetParameters"]
      Resource = local.parameter_arns
    }],
    length(local.source_arns) == 0 ? [] : [
      {
        Sid      = "SendSources"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = local.source_arns
      },
      {
        Sid      = "LookForSources"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = local.bucket_arns
      },
    ],
  )
}

resource "aws_iam_role" "this" {
  count = local.count

  # Roles are unique in an account, projects in a region.
  name                 = "${var.name}-${local.region}"
  description          = "Builds of the CodeBuild project ${var.name} in ${local.region}"
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "codebuild.amazonaws.com" }
      Action    = "sts:AssumeRole"
      # No other project may use the role, nor CodeBuild on behalf of others.
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnEquals    = { "aws:SourceArn" = local.project_arn }
      }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  count = local.count

  name = "lambda-pack"
  role = aws_iam_role.this[0].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.statements, local.vpc_statements)
  })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = var.create ? toset(var.policy_arns) : toset([])

  role       = aws_iam_role.this[0].name
  policy_arn = each.value
}
