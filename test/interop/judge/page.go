package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// What a scrape would let pass is refused here: a second HELP, TYPE or UNIT of a name, metadata after samples, two samples of one series,
// samples of a family that another one has followed, and names that the content type says would have been escaped.
type page struct {
	mediaType        string
	scheme           model.ValidationScheme
	metadata         map[string]map[string]string
	sampled, closed  map[string]bool // families
	series           map[string]bool
	family           string // where the page is
	startTimesWanted bool
}

func parse(body []byte, contentType string) (object, error) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	p := page{mediaType: mediaType, scheme: model.UTF8Validation, startTimesWanted: mediaType == expfmt.ProtoType}
	if escaping := params[model.EscapingKey]; escaping != "" && escaping != model.AllowUTF8 {
		p.scheme = model.LegacyValidation
	}
	if err != nil {
		return nil, err
	}
	result, err := p.read(body, contentType)
	// A parser that is asked for start times swallows the _created samples: the first reading judges these.
	if err == nil && mediaType == expfmt.OpenMetricsType && bytes.Contains(body, []byte("_created")) {
		p.startTimesWanted = true
		return p.read(body, contentType)
	}
	return result, err
}

func (p page) read(body []byte, contentType string) (object, error) {
	p.metadata, p.sampled, p.closed, p.series = map[string]map[string]string{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	samples := []object{}
	options := textparse.ParserOptions{KeepClassicOnClassicAndNativeHistograms: true, OpenMetricsSkipSTSeries: p.startTimesWanted}
	parser, err := textparse.New(body, contentType, nil, options)
	for err == nil {
		var entry textparse.Entry
		if entry, err = parser.Next(); errors.Is(err, io.EOF) {
			return object{"samples": samples, "metadata": p.metadata}, nil
		}
		switch entry {
		case textparse.EntryHelp:
			family, help := parser.Help()
			err = p.describe("help", family, string(help))
		case textparse.EntryType:
			family, kind := parser.Type()
			err = p.describe("type", family, string(kind))
		case textparse.EntryUnit:
			family, unit := parser.Unit()
			err = p.describe("unit", family, string(unit))
		case textparse.EntrySeries, textparse.EntryHistogram:
			var sample object
			sample, err = p.sample(parser, entry)
			samples = append(samples, sample)
		}
	}
	return nil, err
}

var unescaped = strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\n`, "\n")

func (p *page) describe(what string, name []byte, text string) error {
	family := string(name)
	if p.mediaType != expfmt.ProtoType { // The parser leaves a quoted name of these lines as it stands on the page.
		family = unescaped.Replace(family)
	}
	if p.metadata[family] == nil {
		p.metadata[family] = map[string]string{}
	}
	_, again := p.metadata[family][what]
	if again || p.sampled[family] || !p.scheme.IsValidMetricName(family) {
		return fmt.Errorf("%s of %q is the second one, comes after samples, or has an invalid name", what, family)
	}
	p.metadata[family][what] = text
	return p.enter(family)
}

func (p *page) enter(family string) error {
	if family != p.family {
		p.closed[p.family] = true
		p.family = family
	}
	if p.closed[family] {
		return fmt.Errorf("family %q goes on after another one", family)
	}
	return nil
}

// Which types have samples with a suffix. Those that only OpenMetrics has do no harm in the other formats.
var suffixes = map[string][]string{
	"_bucket": {"histogram", "gaugehistogram"}, "_count": {"histogram", "gaugehistogram", "summary"}, "_gcount": {"gaugehistogram"},
	"_sum": {"histogram", "gaugehistogram", "summary"}, "_gsum": {"gaugehistogram"}, "_info": {"info"},
	"_total": {"counter"}, "_created": {"counter", "histogram", "summary"},
}

func (p *page) familyOf(sample string) string {
	for suffix, types := range suffixes {
		family, ok := strings.CutSuffix(sample, suffix)
		if ok && sample != p.family && slices.Contains(types, p.metadata[family]["type"]) {
			return family
		}
	}
	return sample
}

func (p *page) sample(parser textparse.Parser, entry textparse.Entry) (object, error) {
	var set labels.Labels
	parser.Labels(&set)
	key := fmt.Sprint(entry, set.WithoutEmpty())
	family := p.familyOf(set.Get(model.MetricNameLabel))
	err := errors.Join(p.check(set), p.enter(family))
	if p.series[key] {
		err = fmt.Errorf("second sample of %s", set)
	}
	p.series[key], p.sampled[family] = true, true

	sample, exemplars := object{"labels": set.Map(), "value": ""}, []object{}
	var ms *int64
	if entry == textparse.EntrySeries {
		var value float64
		_, ms, value = parser.Series()
		sample["value"] = text(value)
	} else {
		var whole *histogram.Histogram
		var float *histogram.FloatHistogram
		if _, ms, whole, float = parser.Histogram(); whole != nil {
			float = whole.ToFloat(nil)
		}
		err = errors.Join(err, float.Validate())
		sample["histogram"] = native(float)
	}
	if ms != nil {
		sample["timestampMs"] = *ms
	}
	for e := (exemplar.Exemplar{}); parser.Exemplar(&e); e = (exemplar.Exemplar{}) {
		one := object{"labels": e.Labels.Map(), "value": text(e.Value)}
		if e.HasTs {
			one["timestampMs"] = e.Ts
		}
		exemplars = append(exemplars, one)
		runes := 0
		e.Labels.Range(func(l labels.Label) { runes += utf8.RuneCountInString(l.Name + l.Value) })
		if runes > exemplar.ExemplarMaxLabelSetLength { // The storage drops it.
			err = fmt.Errorf("exemplar labels of %d characters: %s", runes, e.Labels)
		}
		err = errors.Join(err, p.check(e.Labels))
	}
	sample["exemplars"] = exemplars
	if p.startTimesWanted { // Last: to find it, the parser of OpenMetrics reads on, and forgets the sample.
		if createdMs := parser.StartTimestamp(); createdMs != 0 {
			sample["createdMs"] = createdMs
		}
	}
	return sample, err
}

func (p *page) check(set labels.Labels) error {
	if _, twice := set.HasDuplicateLabelNames(); twice || !set.IsValid(p.scheme) {
		return fmt.Errorf("a name is invalid or there twice in %s", set)
	}
	return nil
}

func native(h *histogram.FloatHistogram) object {
	spans := func(all []histogram.Span) [][2]int64 {
		pairs := [][2]int64{}
		for _, span := range all {
			pairs = append(pairs, [2]int64{int64(span.Offset), int64(span.Length)})
		}
		return pairs
	}
	return object{
		"schema": h.Schema, "zeroThreshold": h.ZeroThreshold, "zeroCount": h.ZeroCount, "count": h.Count, "sum": text(h.Sum),
		"positiveSpans": spans(h.PositiveSpans), "positiveCounts": append([]float64{}, h.PositiveBuckets...), // Empty, not null.
		"negativeSpans": spans(h.NegativeSpans), "negativeCounts": append([]float64{}, h.NegativeBuckets...),
	}
}

// The shortest that reads back as the same number; of a finite one what JavaScript writes.
func text(value float64) string {
	if shortest, err := json.Marshal(value); err == nil {
		return string(shortest)
	}
	return strings.Replace(fmt.Sprintf("%+f", value), "+NaN", "NaN", 1)
}
