package generate

import (
	"strings"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// forecastOf is the plan, made at now, of an account in which stage 4 found something.
func forecastOf(t *testing.T, now time.Time) content.Plan {
	t.Helper()
	c := steady(30, func(i int) (int64, string) { return int64(500 + i*53%300), "hello" })
	a := content.Analysis{
		Timezone: "UTC", Order: content.Recent, Metric: "likes + comments", Weekdays: make([]content.Cell, 7),
		Weekly:    content.Weekly{Busiest: 5, Strongest: 3, Chance: new(0.41)},
		Anomalies: content.Anomalies{Method: "by hand", Found: []content.Anomaly{{PostID: c.Main.Posts[3].ID, Expected: 250, Score: 5}}},
		Forecast: content.Forecast{Level: 0.8, MASE: new(0.7), Coverage: new(0.75), Points: []content.Point{
			{Date: "2026-05-02", Value: 600, Low: 310, High: 1_205}, {Date: "2026-05-03", Value: 640, Low: 330, High: 1_240},
		}},
		Best: content.BestTimes{NotEnough: "no time stands out"},
	}
	plan, err := Plan(t.Context(), c, a, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	checkNumbers(t, plan)
	return plan
}

func TestThePlanTellsWhatStage4Found(t *testing.T) {
	plan := forecastOf(t, time.Date(2026, 5, 3, 9, 0, 0, 0, time.UTC))
	var got strings.Builder
	for _, st := range plan.Trend {
		got.WriteString(st.Text + "\n")
	}
	for _, want := range []string{
		"from the last day in the data (2 May 2026)", "2 May 600 (310 to 1,205) and 3 May 640 (330 to 1,240)", "0.7× that of repeating the week", "75 % of the days",
		"publishes most on Saturdays", "so this is no rule", "the 250 usual around it", "No best time of @steadyhand: “no time stands out”",
	} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("trend lacks %q:\n%s", want, got.String())
		}
	}
	if strings.Contains(got.String(), "were over") {
		t.Errorf("a forecast that still runs is called over:\n%s", got.String())
	}
}

func TestAForecastOfDaysGoneSaysSo(t *testing.T) {
	plan := forecastOf(t, time.Date(2026, 5, 4, 0, 0, 1, 0, time.UTC))
	if text := plan.Trend[2].Text; !strings.Contains(text, "were over when this plan was made on 4 May 2026") {
		t.Errorf("forecast = %s", text)
	}
}

func TestOneReasonIsToldOnce(t *testing.T) {
	c := handful(content.Recent, false)
	why := "too few"
	a := content.Analysis{Best: content.BestTimes{NotEnough: why}, Weekly: content.Weekly{NotEnough: why}, Anomalies: content.Anomalies{NotEnough: "none dated"}, Forecast: content.Forecast{NotEnough: why}}
	got := newStudy(c, a, nil).trend(nil, made())
	if len(got) != 2 || got[0].Text != "No best time, no pattern over the week, no forecast of @smallpress: “too few”." {
		t.Errorf("trend = %+v", got)
	}
}
