import type { Model, Protocol, Recognition, Route } from './protocol.ts';

/**
 * Templates by what a request of theirs is. `{model_name}` and `{model_version}` stand for a segment that is not empty and say what
 * they are called; so do other names in braces, which say nothing. A segment may have text behind its braces
 * (`{model_name}:predict`), and `*` at the end stands for at least one segment, whatever they are.
 */
export interface Templates {
  /** Ask for a prediction, by the methods of `asks`; by another one they are no inference. */
  readonly inference?: readonly string[];
  /** The same, of the model that the body of the request names. By another method they are about none. */
  readonly bodyModel?: readonly string[];
  /** About a model that is named, where a 2xx shows that it is there. */
  readonly model?: readonly string[];
  /** Everything else; an answer is no news about a model. */
  readonly control?: readonly string[];
  /** The same, and left out of the HTTP measurements. */
  readonly unmeasured?: readonly string[];
}

export interface RouteTableOptions extends Templates {
  /** POST, unless it is given. */
  readonly asks?: (method: string) => boolean;
  /** Of inference templates that name none. */
  readonly unnamed?: Model | undefined;
}

/** A template, ready to take a path apart. */
interface Entry extends Route {
  readonly aboutModel: boolean;
  readonly model: Place | undefined;
  readonly version: Place | undefined;
  readonly plain: Recognition;
  /** What a request is that asks for a prediction, where its body says of which model. */
  readonly bodyModel: Recognition | undefined;
}

/** A segment, and the length of the text behind what it names. */
interface Place {
  readonly at: number;
  readonly suffixLength: number;
}

/** Where the segments of a path can go on; what says more is tried first. */
interface Node {
  readonly literal: Map<string, Node>;
  readonly suffixed: Map<string, Node>;
  named?: Node;
  rest?: Entry;
  end?: Entry;
}

const PLACEHOLDER = /^\{(\w+)\}(.*)$/;

/** The routes of an API as data. A template that is there twice is what it was first. */
export function createRouteTable(options: RouteTableOptions): Pick<Protocol, 'routes' | 'recognise'> {
  const { inference = [], bodyModel = [], model = [], control = [], unmeasured = [], unnamed } = options;
  const { asks = (method: string) => method === 'POST' } = options;
  const root = createNode();
  const entries = [
    ...inference.map((template) => createEntry(template, { inference: true, aboutModel: true })),
    ...bodyModel.map((template) => createEntry(template, { inference: true, bodyModel: true })),
    ...model.map((template) => createEntry(template, { aboutModel: true })),
    ...control.map((template) => createEntry(template, {})),
    ...unmeasured.map((template) => createEntry(template, { unmeasured: true })),
  ];
  for (const entry of entries) addEntry(root, entry);

  return {
    routes: entries,
    recognise: (method, segments) => {
      const entry = segments.length === 1 && segments[0] === '' ? root.end : find(root, segments, 0);
      if (entry?.bodyModel) return asks(method) ? entry.bodyModel : entry.plain;
      // A preflight is answered alike for every name, often by something before the server: it is no news about a model.
      if (!entry?.aboutModel || method === 'OPTIONS') return entry?.plain;
      return {
        route: entry.template,
        inference: entry.inference && asks(method),
        model: entry.model ? textAt(entry.model, segments) : unnamed?.name,
        version: entry.model ? textAt(entry.version, segments) : unnamed?.version,
      };
    },
  };
}

interface EntryOptions {
  readonly inference?: boolean;
  readonly aboutModel?: boolean;
  readonly bodyModel?: boolean;
  readonly unmeasured?: true;
}

function createEntry(template: string, options: EntryOptions): Entry {
  const { inference = false, aboutModel = false, bodyModel = false, unmeasured } = options;
  return {
    template,
    inference,
    aboutModel,
    model: placeOf(template, /^(model|workflow)_name$/),
    version: placeOf(template, /^model_version$/),
    plain: { route: template, inference: false, ...(unmeasured && { unmeasured }) },
    bodyModel: bodyModel ? { route: template, inference: true, modelInBody: true } : undefined,
  };
}

function placeOf(template: string, name: RegExp): Place | undefined {
  const places = parts(template).map((part) => PLACEHOLDER.exec(part));
  const at = places.findIndex((place) => place?.[1] !== undefined && name.test(place[1]));
  return at < 0 ? undefined : { at, suffixLength: places[at]?.[2]?.length ?? 0 };
}

function textAt(place: Place | undefined, segments: readonly string[]): string | undefined {
  const segment = place && segments[place.at];
  return segment?.slice(0, segment.length - (place?.suffixLength ?? 0));
}

function addEntry(root: Node, entry: Entry): void {
  let node = root;
  for (const part of parts(entry.template)) {
    const suffix = PLACEHOLDER.exec(part)?.[2];
    if (part === '*') {
      node.rest ??= entry;
      return;
    }
    if (suffix === '') node = node.named ??= createNode();
    else if (suffix === undefined) node = nodeAt(node.literal, part);
    else node = nodeAt(node.suffixed, suffix);
  }
  node.end ??= entry;
}

function find(node: Node, segments: readonly string[], at: number): Entry | undefined {
  const segment = segments[at];
  if (segment === undefined) return node.end;
  const literal = node.literal.get(segment);
  const found = literal && find(literal, segments, at + 1);
  if (found) return found;
  for (const [suffix, next] of node.suffixed) {
    const entry = segment.length > suffix.length && segment.endsWith(suffix) && find(next, segments, at + 1);
    if (entry) return entry;
  }
  const named = segment === '' ? undefined : node.named && find(node.named, segments, at + 1);
  return named ?? node.rest;
}

function parts(template: string): string[] {
  return template.split('/').filter((part) => part !== '');
}

function nodeAt(nodes: Map<string, Node>, key: string): Node {
  const node = nodes.get(key) ?? createNode();
  nodes.set(key, node);
  return node;
}

function createNode(): Node {
  return { literal: new Map(), suffixed: new Map() };
}
