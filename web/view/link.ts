import { changedSettings, DEFAULTS, isName, readSettings, type Settings } from "./settings.ts";

/** The settings as a URL fragment that a teacher can read and change: `module=LSTM&num_layers=2`. */
export function fragmentOf(settings: Settings): string {
  const entries = Object.entries(changedSettings(settings)).map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return new URLSearchParams(entries as [string, string][]).toString();
}

/** The settings that a fragment means, and the names of what in it cannot be read. */
export function settingsOfFragment(fragment: string): { settings: Settings; ignored: string[] } {
  const given: [name: string, value: unknown][] = [];
  const ignored: string[] = [];
  for (const [name, value] of new URLSearchParams(fragment.slice(0, 100_000))) {
    if (!isName(name)) ignored.push(name);
    else given.push([name, settingOf(name, value)]);
  }
  const read = readSettings(Object.fromEntries(given));
  return { settings: read.settings, ignored: [...ignored, ...read.ignored] };
}

function settingOf(name: keyof Settings, value: string): unknown {
  if (typeof DEFAULTS[name] === "string" || name === "selected" || name === "expression" || value === "sin")
    return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
