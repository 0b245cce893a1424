package judge

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// provisioning is the folder that Grafana's image reads when it starts.
const provisioning = "/etc/grafana/provisioning"

// grafana judges what a Grafana starts with.
func (c *checker) grafana() []string {
	c.settings("/etc/grafana/grafana.ini")
	sources := c.datasources()
	boards := map[string]string{} // by uid: file
	titles := map[string]string{}
	panels := 0
	read := map[string]bool{}
	var all []*board
	for _, dir := range c.providers() {
		found := 0
		for _, file := range c.below(dir) {
			if path.Ext(file) != ".json" {
				continue
			}
			found, read[file] = found+1, true
			b := c.dashboard(file)
			if b == nil {
				continue
			}
			if other := cmp.Or(boards[b.UID], titles[b.Title]); other != "" {
				c.refuse(place{file: file}, "its uid or title is that of %s too", other)
			}
			boards[b.UID], titles[b.Title] = file, file
			for _, p := range flat(b.Panels) {
				if p.Type != rowType {
					panels++
				}
			}
			all = append(all, b)
		}
		if found == 0 {
			c.refuse(place{file: dir}, "a provider reads this folder, and it holds no dashboard")
		}
	}
	for file := range c.subject.Files {
		if path.Ext(file) == ".json" && !read[file] {
			c.refuse(place{file: file}, "no provider in %s/dashboards reads it", provisioning)
		}
	}
	for _, b := range all {
		c.boardLinks(place{file: boards[b.UID], path: fmt.Sprintf("dashboard %q", b.Title)}, *b, boards)
	}
	return []string{count(len(all), "dashboard"), count(panels, "panel"), count(c.queries, "query"),
		fmt.Sprintf("%s, all exported", count(len(c.metrics), "metric")), count(sources, "data source")}
}

// boardLinks holds that links to dashboards name one that is there.
func (c *checker) boardLinks(at place, b board, boards map[string]string) {
	links := slices.Clone(b.Links)
	for _, p := range flat(b.Panels) {
		links = append(links, p.Links...)
	}
	for _, l := range links {
		rest, ok := strings.CutPrefix(l.URL, "/d/")
		if uid, _, _ := strings.Cut(rest, "/"); ok && boards[uid] == "" {
			c.refuse(at, "its link %q leads to no dashboard", l.URL)
		}
	}
}

// provider is one source of dashboards, as Grafana's provisioning has it.
type provider struct {
	Name                  string `yaml:"name"`
	OrgID                 int    `yaml:"orgId"`
	Folder                string `yaml:"folder"`
	FolderUID             string `yaml:"folderUid"`
	Type                  string `yaml:"type"`
	DisableDeletion       bool   `yaml:"disableDeletion"`
	UpdateIntervalSeconds int    `yaml:"updateIntervalSeconds"`
	AllowUIUpdates        bool   `yaml:"allowUiUpdates"`
	Options               struct {
		Path                      string `yaml:"path"`
		FoldersFromFilesStructure bool   `yaml:"foldersFromFilesStructure"`
	} `yaml:"options"`
}

// providers judges the providers and gives the folders that they read.
func (c *checker) providers() []string {
	var dirs []string
	for _, file := range c.below(provisioning + "/dashboards") {
		var document struct {
			APIVersion int        `yaml:"apiVersion"`
			Providers  []provider `yaml:"providers"`
		}
		if !c.strict(file, &document) {
			continue
		}
		c.version(file, document.APIVersion)
		for _, p := range document.Providers {
			at := place{file: file, path: fmt.Sprintf("provider %q", p.Name)}
			if p.Name == "" || p.Type != "file" || !path.IsAbs(p.Options.Path) {
				c.refuse(at, "needs a name, the type file and an absolute path")
			}
			if p.AllowUIUpdates {
				c.refuse(at, "allowUiUpdates lets people change what Git says")
			}
			dirs = append(dirs, p.Options.Path)
		}
	}
	if len(dirs) == 0 {
		c.refuse(place{file: provisioning + "/dashboards"}, "no file names a provider of dashboards")
	}
	return dirs
}

// datasource is one data source, as Grafana's provisioning has it.
type datasource struct {
	Name      string    `yaml:"name"`
	Type      string    `yaml:"type"`
	UID       string    `yaml:"uid"`
	OrgID     int       `yaml:"orgId"`
	Access    string    `yaml:"access"`
	URL       string    `yaml:"url"`
	IsDefault bool      `yaml:"isDefault"`
	Editable  bool      `yaml:"editable"`
	JSONData  yaml.Node `yaml:"jsonData"`
}

type prometheusData struct {
	HTTPMethod                  string `yaml:"httpMethod"`
	TimeInterval                string `yaml:"timeInterval"`
	QueryTimeout                string `yaml:"queryTimeout"`
	PrometheusType              string `yaml:"prometheusType"`
	ManageAlerts                bool   `yaml:"manageAlerts"`
	ExemplarTraceIDDestinations []struct {
		Name            string `yaml:"name"`
		DatasourceUID   string `yaml:"datasourceUid"`
		URL             string `yaml:"url"`
		URLDisplayLabel string `yaml:"urlDisplayLabel"`
	} `yaml:"exemplarTraceIdDestinations"`
}

type jaegerData struct {
	NodeGraph struct {
		Enabled bool `yaml:"enabled"`
	} `yaml:"nodeGraph"`
	TraceIDTimeParams struct {
		Enabled bool `yaml:"enabled"`
	} `yaml:"traceIdTimeParams"`
	TracesToMetrics struct {
		DatasourceUID      string `yaml:"datasourceUid"`
		SpanStartTimeShift string `yaml:"spanStartTimeShift"`
		SpanEndTimeShift   string `yaml:"spanEndTimeShift"`
		Tags               []struct {
			Key   string `yaml:"key"`
			Value string `yaml:"value"`
		} `yaml:"tags"`
		Queries []struct {
			Name  string `yaml:"name"`
			Query string `yaml:"query"`
		} `yaml:"queries"`
	} `yaml:"tracesToMetrics"`
}

// datasources judges the data sources and says how many there are.
func (c *checker) datasources() int {
	types := map[string]string{} // by uid
	var found []datasource
	var files []string
	defaults := 0
	for _, file := range c.below(provisioning + "/datasources") {
		var document struct {
			APIVersion  int          `yaml:"apiVersion"`
			Prune       bool         `yaml:"prune"`
			Datasources []datasource `yaml:"datasources"`
		}
		if !c.strict(file, &document) {
			continue
		}
		c.version(file, document.APIVersion)
		for _, d := range document.Datasources {
			at := place{file: file, path: fmt.Sprintf("data source %q", d.Name)}
			switch {
			case d.Name == "" || !sourceUID.MatchString(d.UID) || types[d.UID] != "":
				c.refuse(at, "needs a name and a uid of its own, of at most 40 letters, digits, - and _")
			case d.Access != "proxy":
				c.refuse(at, "its access is %q; proxy keeps browsers away from it", d.Access)
			case !sourceURL.MatchString(d.URL):
				c.refuse(at, "its url is %q; give http:// or https://, a host and a port", d.URL)
			case d.Editable:
				c.refuse(at, "editable lets people change what Git says")
			}
			if d.IsDefault {
				defaults++
			}
			types[d.UID] = d.Type
			found, files = append(found, d), append(files, file)
		}
	}
	if defaults != 1 {
		c.refuse(place{file: provisioning + "/datasources"}, "%s; one must be the default", count(defaults, "default"))
	}
	for i, d := range found {
		c.sourceData(place{file: files[i], path: fmt.Sprintf("data source %q", d.Name)}, d, types)
	}
	return len(found)
}

var (
	sourceUID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,40}$`)
	sourceURL = regexp.MustCompile(`^https?://[a-z0-9.-]+:\d+$`)
)

// sourceData judges what only one type of data source has.
func (c *checker) sourceData(at place, d datasource, types map[string]string) {
	switch d.Type {
	case "prometheus":
		var data prometheusData
		if !c.strictNode(at, d.JSONData, &data) {
			return
		}
		for _, e := range data.ExemplarTraceIDDestinations {
			if e.Name == "" || types[e.DatasourceUID] != "jaeger" {
				c.refuse(at, "exemplars with %q lead to %q, which is no data source of the type jaeger", e.Name, e.DatasourceUID)
			}
		}
	case "jaeger":
		var data jaegerData
		if !c.strictNode(at, d.JSONData, &data) {
			return
		}
		m := data.TracesToMetrics
		if m.DatasourceUID != "" && types[m.DatasourceUID] != "prometheus" {
			c.refuse(at, "tracesToMetrics leads to %q, which is no data source of the type prometheus", m.DatasourceUID)
		}
		v := &variables{names: map[string]bool{}}
		for _, q := range m.Queries {
			here := place{file: at.file, line: at.line, path: fmt.Sprintf("%s, query %q", at.path, q.Name)}
			// $__tags stands for matchers of labels.
			c.expression(here, v.replace(c, here, strings.ReplaceAll(q.Query, "$__tags", `job="`+chosen+`"`)))
		}
	default:
		c.refuse(at, "is of the type %q; prometheus and jaeger are known", d.Type)
	}
}

func (c *checker) version(file string, version int) {
	if version != 1 {
		c.refuse(place{file: file, path: "apiVersion"}, "is %d, must be 1", version)
	}
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// yamlWords are the library's words without lines.
func yamlWords(err error) string {
	text := yamlLine.ReplaceAllString(oneLine(err.Error()), "")
	return strings.TrimPrefix(strings.TrimPrefix(text, "yaml: "), "unmarshal errors: ")
}

// strict reads a file whose fields are all known.
func (c *checker) strict(file string, into any) bool {
	d := yaml.NewDecoder(strings.NewReader(c.subject.Files[file]))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		at := place{file: file}
		if found := yamlLine.FindStringSubmatch(err.Error()); found != nil {
			at.line, _ = strconv.Atoi(found[1]) // digits
		}
		c.refuse(at, "%s", yamlWords(err))
		return false
	}
	return true
}

// strictNode is strict for a part of a file.
func (c *checker) strictNode(at place, node yaml.Node, into any) bool {
	if node.IsZero() {
		return true
	}
	at.line = node.Line
	text, err := yaml.Marshal(&node)
	if err != nil {
		c.refuse(at, "jsonData: %v", err)
		return false
	}
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		c.refuse(at, "jsonData: %s", yamlWords(err))
		return false
	}
	return true
}
