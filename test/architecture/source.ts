import { posix } from 'node:path';
import ts from 'typescript';

/** What the rules look at: one source file, as the TypeScript compiler reads it, without its comments and strings. */
export interface Source {
  /** Relative to the root of the repo, with slashes. */
  readonly path: string;
  readonly lines: number;
  /** Files of the repo that it imports, for types or values, by `import()` or `new URL(..., import.meta.url)`. */
  readonly files: readonly string[];
  /** Specifiers of packages and of Node's own modules. */
  readonly packages: readonly string[];
  /** Uses of what is global and not pure: `process.env`, `console.log`, `Date.now`, `new Date`, `setTimeout`. */
  readonly impure: readonly string[];
  /** What its classes extend. */
  readonly extended: readonly string[];
  /** Names of the methods that it calls on anything. */
  readonly calls: ReadonlySet<string>;
  readonly hasDefaultExport: boolean;
}

const IMPURE = new Set([
  'process',
  'console',
  'performance',
  'fetch',
  'crypto',
  'WebSocket',
  'Worker',
  'BroadcastChannel',
  'navigator',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
]);
const IMPURE_MEMBERS = new Set(['Date.now', 'Math.random']);

export function parseSource(path: string, text: string): Source {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const specifiers: string[] = [];
  const impure: string[] = [];
  const extended: string[] = [];
  const calls = new Set<string>();
  let hasDefaultExport = false;

  const visit = (node: ts.Node): void => {
    specifiers.push(...specifiersOf(node));
    if (ts.isIdentifier(node)) impure.push(...impureUse(node));
    if (ts.isHeritageClause(node) && node.token === ts.SyntaxKind.ExtendsKeyword && ts.isClassLike(node.parent)) {
      extended.push(...node.types.map((type) => type.expression.getText(tree)));
    }
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression))
      calls.add(node.expression.name.text);
    hasDefaultExport ||= isDefaultExport(node);
    ts.forEachChild(node, visit);
  };
  visit(tree);

  const isFile = (specifier: string): boolean => specifier.startsWith('.');
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return {
    path,
    lines,
    files: specifiers.filter(isFile).map((specifier) => posix.join(posix.dirname(path), specifier)),
    packages: specifiers.filter((specifier) => !isFile(specifier)),
    impure,
    extended,
    calls,
    hasDefaultExport,
  };
}

function specifiersOf(node: ts.Node): string[] {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literal(node.moduleSpecifier);
  if (ts.isExternalModuleReference(node)) return literal(node.expression);
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? literal(node.argument.literal) : [];
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return literal(node.arguments[0]);
  if (ts.isNewExpression(node) && node.expression.getText() === 'URL') {
    const [file, base] = node.arguments ?? [];
    return base?.getText() === 'import.meta.url' ? literal(file) : [];
  }
  return [];
}

function literal(node: ts.Node | undefined): string[] {
  return node !== undefined && ts.isStringLiteralLike(node) ? [node.text] : [];
}

/** Without scopes: a variable that is called like a global is taken for it, so that the names stay unambiguous to people, too. */
function impureUse(node: ts.Identifier): string[] {
  const { parent, text } = node;
  if (text === 'Date' && ts.isNewExpression(parent) && !parent.arguments?.length) return ['new Date'];
  const member = memberOf(node);
  if (member !== undefined && IMPURE_MEMBERS.has(`${text}.${member}`)) return [`${text}.${member}`];
  if (!IMPURE.has(text) || isNameOnly(node)) return [];
  if (member !== undefined) return [`${text}.${member}`];
  if (ts.isVariableDeclaration(parent) && ts.isObjectBindingPattern(parent.name)) {
    return parent.name.elements.map(({ propertyName, name }) => `${text}.${(propertyName ?? name).getText()}`);
  }
  return [text];
}

function memberOf(node: ts.Identifier): string | undefined {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.expression === node) return parent.name.text;
  if (ts.isElementAccessExpression(parent) && parent.expression === node) return literal(parent.argumentExpression)[0];
  return undefined;
}

/** Whether it names a property, a parameter or a type and does not stand for the global. */
function isNameOnly(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent))
    return parent.name === node && parent.expression.getText() !== 'globalThis';
  return 'name' in parent && parent.name === node && !ts.isShorthandPropertyAssignment(parent);
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return ts.canHaveModifiers(node)
    ? (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
    : false;
}
