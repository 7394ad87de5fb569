/**
 * JSON checked to the last field: what is not expected is refused by name, as the Python runtime
 * does. A reader takes a value and the path by which messages call it.
 */

export type Reader<T> = (value: unknown, path: string) => T;
type Shape = Record<string, Reader<unknown>>;
type Read<S extends Shape> = { [K in keyof S]: ReturnType<S[K]> };

/** What does not fit; whoever reads a file names it and the remedy. */
export class SchemaError extends Error {}

function refuse(path: string, wanted: string, value: unknown): never {
  const shown = value === undefined ? "missing" : `${JSON.stringify(value)?.slice(0, 40)}`;
  throw new SchemaError(`${path} is ${shown}, and ${wanted} is needed`);
}

export const text: Reader<string> = (value, path) =>
  typeof value === "string" ? value : refuse(path, "a text", value);

export const number: Reader<number> = (value, path) =>
  typeof value === "number" ? value : refuse(path, "a number", value);

export const whole: Reader<number> = (value, path) =>
  Number.isInteger(value) ? (value as number) : refuse(path, "a whole number", value);

export const flag: Reader<boolean> = (value, path) =>
  typeof value === "boolean" ? value : refuse(path, "true or false", value);

export const anything: Reader<unknown> = (value) => value;

/** One of two kinds. */
export const either =
  <A, B>(one: Reader<A>, other: Reader<B>): Reader<A | B> =>
  (value, path) => {
    try {
      return one(value, path);
    } catch {
      return other(value, path);
    }
  };

/** A default where the field is missing. */
export const optional =
  <T>(read: Reader<T>, fallback: NoInfer<T>): Reader<T> =>
  (value, path) =>
    value === undefined ? fallback : read(value, path);

/** Null where the field is null or missing. */
export const nullable =
  <T>(read: Reader<T>): Reader<T | null> =>
  (value, path) =>
    value == null ? null : read(value, path);

/** One of some texts. */
export const oneOf =
  <T extends string>(...allowed: readonly T[]): Reader<T> =>
  (value, path) =>
    allowed.includes(value as T) ? (value as T) : refuse(path, allowed.join(" or "), value);

export const list =
  <T>(read: Reader<T>): Reader<T[]> =>
  (value, path) =>
    Array.isArray(value)
      ? value.map((one, index) => read(one, `${path}[${index}]`))
      : refuse(path, "a list", value);

/** Any names with values of one kind. */
export const record =
  <T>(read: Reader<T>): Reader<Record<string, T>> =>
  (value, path) =>
    Object.fromEntries(
      Object.entries(object(value, path)).map(([name, one]) => [
        name,
        read(one, `${path}.${name}`),
      ]),
    );

/** Exactly these fields. */
export const struct =
  <S extends Shape>(shape: S): Reader<Read<S>> =>
  (value, path) => {
    const given = object(value, path);
    const unknown = Object.keys(given).find((name) => !(name in shape));
    if (unknown !== undefined) throw new SchemaError(`${path} has the unknown field ${unknown}`);
    return Object.fromEntries(
      Object.entries(shape).map(([name, read]) => [name, read(given[name], `${path}.${name}`)]),
    ) as Read<S>;
  };

function object(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    refuse(path, "an object", value);
  }
  return value as Record<string, unknown>;
}
