// The AWS provider 4.9, for machines that can't reach Terraform's registry.
//
// HashiCorp keeps the provider in an internal package, so it is built from a
// fork of 4.9 that exports it; see the replace directive in go.mod. Two things
// are changed, and nothing that a plan shows:
//
//   - Its lists of Lambda runtimes end at python3.9. AWS, or the test's stand-in
//     for it, decides about runtimes instead.
//   - It sleeps for 10 s whenever it reads a bucket's lifecycle rules, until two
//     answers of S3 agree. A local S3 answers the same at once.
package main

import (
	"context"
	"log"

	awss3 "github.com/aws/aws-sdk-go/service/s3"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-plugin-sdk/v2/plugin"
	"github.com/hashicorp/terraform-provider-aws/conns"
	"github.com/hashicorp/terraform-provider-aws/provider"
	"github.com/hashicorp/terraform-provider-aws/service/s3"
)

func main() {
	// Terraform puts its own time stamp on each line of a provider's log.
	log.SetFlags(0)
	plugin.Serve(&plugin.ServeOpts{ProviderFunc: newProvider})
}

func newProvider() *schema.Provider {
	p := provider.Provider()
	p.ResourcesMap["aws_lambda_function"].Schema["runtime"].ValidateFunc = nil
	layer := p.ResourcesMap["aws_lambda_layer_version"].Schema
	layer["compatible_runtimes"].Elem.(*schema.Schema).ValidateFunc = nil
	p.ResourcesMap["aws_s3_bucket_lifecycle_configuration"].ReadContext = readLifecycle
	return p
}

// readLifecycle reads what the provider's own function does, without its wait.
func readLifecycle(ctx context.Context, d *schema.ResourceData, meta any) diag.Diagnostics {
	bucket, owner, err := s3.ParseResourceID(d.Id())
	if err != nil {
		return diag.FromErr(err)
	}
	input := &awss3.GetBucketLifecycleConfigurationInput{Bucket: &bucket}
	if owner != "" {
		input.ExpectedBucketOwner = &owner
	}
	output, err := meta.(*conns.AWSClient).S3Conn.GetBucketLifecycleConfigurationWithContext(ctx, input)
	if err != nil {
		return diag.Errorf("reading the lifecycle rules of %s: %s", bucket, err)
	}
	for name, value := range map[string]any{
		"bucket":                bucket,
		"expected_bucket_owner": owner,
		"rule":                  s3.FlattenLifecycleRules(output.Rules),
	} {
		if err := d.Set(name, value); err != nil {
			return diag.FromErr(err)
		}
	}
	return nil
}
