// A stand-in for hashicorp/external, for machines that can't reach Terraform's
// registry: the provider's one data source, by the protocol that its
// documentation states.
//
// Where the documentation leaves room it takes the narrower reading, so that
// what passes here passes there: a null in the result is an error.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os/exec"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func main() {
	newProvider := func() provider.Provider { return externalProvider{} }
	err := providerserver.Serve(context.Background(), newProvider, providerserver.ServeOpts{
		Address: "registry.terraform.io/hashicorp/external",
		// What the real one speaks; Terraform 0.12 and later understand it.
		ProtocolVersion: 5,
	})
	if err != nil {
		log.Fatal(err)
	}
}

type externalProvider struct{}

func (externalProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "external"
}

func (externalProvider) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

func (externalProvider) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}

func (externalProvider) Resources(context.Context) []func() resource.Resource { return nil }

func (externalProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		func() datasource.DataSource { return externalDataSource{} },
	}
}

type externalDataSource struct{}

// model holds pointers where a configuration may hold a null.
type model struct {
	Program    []*string          `tfsdk:"program"`
	WorkingDir *string            `tfsdk:"working_dir"`
	Query      map[string]*string `tfsdk:"query"`
	Result     map[string]string  `tfsdk:"result"`
	ID         *string            `tfsdk:"id"`
}

func (externalDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName
}

func (externalDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"program":     schema.ListAttribute{ElementType: types.StringType, Required: true},
		"working_dir": schema.StringAttribute{Optional: true},
		"query":       schema.MapAttribute{ElementType: types.StringType, Optional: true},
		"result":      schema.MapAttribute{ElementType: types.StringType, Computed: true},
		"id":          schema.StringAttribute{Computed: true},
	}}
}

func (externalDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var data model
	resp.Diagnostics.Append(req.Config.Get(ctx, &data)...)
	if resp.Diagnostics.HasError() {
		return
	}
	result, err := run(ctx, data)
	if err != nil {
		resp.Diagnostics.AddError("External Program Failed", err.Error())
		return
	}
	id := "-"
	data.ID, data.Result = &id, result
	resp.Diagnostics.Append(resp.State.Set(ctx, &data)...)
}

// run hands the query to the program and returns what it answers.
func run(ctx context.Context, data model) (map[string]string, error) {
	var program []string
	for _, argument := range data.Program {
		if argument != nil && *argument != "" {
			program = append(program, *argument)
		}
	}
	if len(program) == 0 {
		return nil, fmt.Errorf("program names nothing to run")
	}
	query := map[string]string{}
	for key, value := range data.Query {
		if value != nil {
			query[key] = *value
		}
	}
	stdin, err := json.Marshal(query)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}

	cmd := exec.CommandContext(ctx, program[0], program[1:]...)
	if data.WorkingDir != nil {
		cmd.Dir = *data.WorkingDir
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n\n%s", program[0], err, stderr.String())
	}

	var answer map[string]*string
	if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil {
		return nil, fmt.Errorf("%s: stdout is not one JSON object of strings: %w", program[0], err)
	}
	if answer == nil {
		return nil, fmt.Errorf("%s: stdout is null, not a JSON object", program[0])
	}
	result := make(map[string]string, len(answer))
	for key, value := range answer {
		if value == nil {
			return nil, fmt.Errorf("%s: %q is null, not a string", program[0], key)
		}
		result[key] = *value
	}
	return result, nil
}
