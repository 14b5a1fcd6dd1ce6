/** A stylesheet as text: `build.mjs` loads it, minified. */
declare module "*.css" {
  const text: string;
  export default text;
}
