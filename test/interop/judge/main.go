// Judge says what the code that Prometheus scrapes with makes of our pages and names, so that the tests of the exposition have another's
// word for it. It answers one line of JSON per frame, until its input ends. A frame is a line of JSON, {"kind":...,"bytes":N}, and N bytes:
//
//	parse      a page -> its samples and metadata, as model/textparse reads them; stricter than a scrape, see type page
//	expfmt     a page -> its families, as the decoder of prometheus/common reads them
//	translate  a JSON array of OTel names, units and types -> the names that the OTLP receiver of Prometheus makes of them
//	negotiate  an Accept header -> the content type that the handler of Go's client library answers with
//
// Its go.mod pins Prometheus itself too (tool lines): the server and the judge of a test are of one version.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/otlptranslator"
)

type object = map[string]any

type frame struct {
	Kind, ContentType string
	UTF8              bool
	Bytes             int
}

func main() {
	in, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var f frame
		line, err := in.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return
		}
		err = errors.Join(err, json.Unmarshal(line, &f))
		body := make([]byte, f.Bytes)
		if _, short := io.ReadFull(in, body); err != nil || short != nil {
			fmt.Fprintln(os.Stderr, "judge: no frame:", errors.Join(err, short))
			os.Exit(1)
		}
		out.Encode(verdict(func() (object, error) { return judge(f, body) }))
	}
}

func judge(f frame, body []byte) (object, error) {
	switch f.Kind {
	case "parse":
		return parse(body, f.ContentType)
	case "expfmt":
		return decode(body, f)
	case "translate":
		return translate(body)
	case "negotiate":
		header := http.Header{"Accept": {string(body)}}
		return object{"contentType": expfmt.NegotiateAccept(header, expfmt.DefaultOpenMetricsAcceptedFormats()...)}, nil
	}
	return nil, fmt.Errorf("unknown kind %q", f.Kind)
}

// A panic is a verdict too: Prometheus would have it in its scrape loop.
func verdict(of func() (object, error)) (result object) {
	defer func() {
		if what := recover(); what != nil {
			result = object{"ok": false, "error": fmt.Sprint("panic: ", what)}
		}
	}()
	result, err := of()
	if err != nil {
		return object{"ok": false, "error": err.Error()}
	}
	result["ok"] = true
	return result
}

func decode(body []byte, f frame) (object, error) {
	escaping := model.UnderscoreEscaping // Any but none makes the decoder refuse what only UTF-8 names may have.
	if f.UTF8 {
		escaping = model.NoEscaping
	}
	decoder := expfmt.NewDecoder(bytes.NewReader(body), expfmt.Format(f.ContentType).WithEscapingScheme(escaping))
	families := object{}
	for {
		var family dto.MetricFamily
		err := decoder.Decode(&family)
		if err == io.EOF {
			return object{"families": families}, nil
		}
		name := family.GetName()
		if err == nil && families[name] != nil {
			err = fmt.Errorf("second family %q", name)
		}
		if err != nil {
			return nil, err
		}
		kind := strings.ToLower(family.GetType().String())
		families[name] = object{"type": kind, "help": family.GetHelp(), "unit": family.GetUnit(), "metrics": len(family.Metric)}
	}
}

var types = map[string]otlptranslator.MetricType{
	"counter": otlptranslator.MetricTypeMonotonicCounter, "updown": otlptranslator.MetricTypeNonMonotonicCounter,
	"gauge": otlptranslator.MetricTypeGauge, "histogram": otlptranslator.MetricTypeHistogram, "summary": otlptranslator.MetricTypeSummary,
	"exponential_histogram": otlptranslator.MetricTypeExponentialHistogram, "unknown": otlptranslator.MetricTypeUnknown,
}

type otelName struct {
	Name, Unit, Type, Label, Escaping string
	Strategy                          otlptranslator.TranslationStrategyOption
}

func translate(body []byte) (object, error) {
	items, names := []otelName{}, []object{}
	err := json.Unmarshal(body, &items)
	for _, item := range items {
		names = append(names, verdict(item.translate))
	}
	return object{"names": names}, err
}

func (n otelName) translate() (object, error) {
	escape := func(name string) string { return name }
	if scheme, err := model.ToEscapingScheme(n.Escaping); err == nil {
		escape = func(name string) string { return model.EscapeName(name, scheme) }
	}
	metric := otlptranslator.NewMetricNamer("", n.Strategy)
	name, err := metric.Build(otlptranslator.Metric{Name: n.Name, Unit: n.Unit, Type: types[n.Type]})
	unit := otlptranslator.UnitNamer{UTF8Allowed: metric.UTF8Allowed}
	result := object{"metric": escape(name), "unit": unit.Build(n.Unit)}
	if n.Label != "" {
		// As the specification has it, and as the OTLP receiver of Prometheus does it when nothing else is configured.
		ofSpec := otlptranslator.LabelNamer{UTF8Allowed: metric.UTF8Allowed}
		ofReceiver := otlptranslator.LabelNamer{UTF8Allowed: metric.UTF8Allowed, UnderscoreLabelSanitization: true, PreserveMultipleUnderscores: true}
		label, specErr := ofSpec.Build(n.Label)
		receiverLabel, receiverErr := ofReceiver.Build(n.Label)
		result["label"], result["receiverLabel"] = escape(label), escape(receiverLabel)
		err = errors.Join(err, specErr, receiverErr)
	}
	return result, err
}
