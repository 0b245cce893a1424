package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"runtime/debug"
)

// The types of a CycloneDX 1.5 document, as far as one is written here.
type (
	bill struct {
		Format       string      `json:"bomFormat"`
		SpecVersion  string      `json:"specVersion"`
		Version      int         `json:"version"`
		Metadata     metadata    `json:"metadata"`
		Components   []component `json:"components"`
		Dependencies []depends   `json:"dependencies"`
	}
	metadata struct {
		Component component `json:"component"`
	}
	component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref"`
		Name       string     `json:"name"`
		Version    string     `json:"version,omitempty"`
		PURL       string     `json:"purl,omitempty"`
		Hashes     []hash     `json:"hashes,omitempty"`
		Properties []property `json:"properties,omitempty"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	depends struct {
		Ref string   `json:"ref"`
		On  []string `json:"dependsOn,omitempty"`
	}
)

// billOf reads the modules that a binary was linked from out of the binary
// itself. It holds no time and no random number: CycloneDX asks for neither.
func billOf(binary, version string) ([]byte, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, fmt.Errorf("read the build of %s: %w", binary, err)
	}
	sum, err := sumOf(binary)
	if err != nil {
		return nil, err
	}
	ref := info.Main.Path + "@" + version
	b := bill{Format: "CycloneDX", SpecVersion: "1.5", Version: 1}
	b.Metadata.Component = component{
		Type: "application", Ref: ref, Name: info.Path, Version: version,
		Hashes: []hash{{"SHA-256", sum}},
	}
	for _, s := range info.Settings {
		b.Metadata.Component.Properties = append(b.Metadata.Component.Properties, property{"go:build:" + s.Key, s.Value})
	}
	std := component{Type: "library", Ref: "std@" + info.GoVersion, Name: "std", Version: info.GoVersion, PURL: "pkg:golang/std@" + info.GoVersion}
	b.Components = []component{std}
	for _, m := range info.Deps {
		b.Components = append(b.Components, moduleOf(m))
	}
	b.Dependencies = []depends{{Ref: ref}}
	for _, c := range b.Components {
		b.Dependencies[0].On = append(b.Dependencies[0].On, c.Ref)
		b.Dependencies = append(b.Dependencies, depends{Ref: c.Ref})
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(b); err != nil {
		return nil, fmt.Errorf("write the bill of materials: %w", err)
	}
	return out.Bytes(), nil
}

// moduleOf describes a module as it was linked: a replacement stands for what it
// replaces. The sum is go.sum's own, over the module's files, and so no hash of
// one file.
func moduleOf(m *debug.Module) component {
	c := component{Type: "library"}
	if m.Replace != nil {
		c.Properties = append(c.Properties, property{"go:replaces", m.Path + "@" + m.Version})
		m = m.Replace
	}
	c.Name, c.Version, c.Ref = m.Path, m.Version, m.Path+"@"+m.Version
	c.PURL = "pkg:golang/" + c.Ref
	if m.Sum != "" {
		c.Properties = append(c.Properties, property{"go:sum", m.Sum})
	}
	return c
}
