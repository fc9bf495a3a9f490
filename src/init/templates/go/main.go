// Greets whoever the event names.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	Name string `json:"name"`
}

type answer struct {
	Message string `json:"message"`
}

func handle(_ context.Context, asked event) (answer, error) {
	greeting := os.Getenv("GREETING")
	if greeting == "" {
		greeting = "Hello"
	}
	name := asked.Name
	if name == "" {
		name = "world"
	}
	return answer{Message: fmt.Sprintf("%s, %s!", greeting, name)}, nil
}

func main() {
	lambda.Start(handle)
}
