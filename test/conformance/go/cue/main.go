// Judges configuration files by the schemas in cue/.
//
// Standard input: one JSON object a line, {"definition": "Policy", "syntax": "json" | "yaml", "text": "…"}.
// Standard output: one line for each, "ok" or "bad".
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/load"
	cuejson "cuelang.org/go/encoding/json"
	cueyaml "cuelang.org/go/encoding/yaml"
)

type job struct {
	Definition string `json:"definition"`
	Syntax     string `json:"syntax"`
	Text       string `json:"text"`
}

func main() {
	folder := os.Args[1]
	ctx := cuecontext.New()
	instance := load.Instances([]string{"."}, &load.Config{Dir: folder})[0]
	if instance.Err != nil {
		fail(instance.Err)
	}
	schemas := ctx.BuildInstance(instance)
	if err := schemas.Err(); err != nil {
		fail(err)
	}
	checkFormat(folder)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var one job
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			fail(err)
		}
		fmt.Println(judge(ctx, schemas, one))
	}
}

func judge(ctx *cue.Context, schemas cue.Value, one job) string {
	definition := schemas.LookupPath(cue.ParsePath("#" + one.Definition))
	if err := definition.Err(); err != nil {
		fail(err)
	}
	value, err := read(ctx, one)
	if err != nil {
		return "bad"
	}
	if definition.Unify(value).Validate(cue.Concrete(true), cue.Final()) != nil {
		return "bad"
	}
	return "ok"
}

func read(ctx *cue.Context, one job) (cue.Value, error) {
	if one.Syntax == "yaml" {
		file, err := cueyaml.Extract("file.yaml", one.Text)
		if err != nil {
			return cue.Value{}, err
		}
		value := ctx.BuildFile(file)
		return value, value.Err()
	}
	var expression ast.Expr
	expression, err := cuejson.Extract("file.json", []byte(one.Text))
	if err != nil {
		return cue.Value{}, err
	}
	value := ctx.BuildExpr(expression)
	return value, value.Err()
}

// The schemas are laid out as the tool lays them out.
func checkFormat(folder string) {
	names, err := filepath.Glob(filepath.Join(folder, "*.cue"))
	if err != nil {
		fail(err)
	}
	for _, name := range names {
		source, err := os.ReadFile(name)
		if err != nil {
			fail(err)
		}
		formatted, err := format.Source(source)
		if err != nil {
			fail(err)
		}
		if string(formatted) != string(source) {
			fail(fmt.Errorf("%s is not laid out as cue fmt does:\n%s", name, formatted))
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
