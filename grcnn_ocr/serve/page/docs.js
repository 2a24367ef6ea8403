// Draws openapi.json: each address with what it takes and gives.

const made = (name, ...children) => {
  const element = document.createElement(name);
  element.append(...children);
  return element;
};

const here = new URL(".", location.href).href;
document.getElementById("example").textContent = [
  `curl -F images=@word.png -F images=@other.jpg -F lexicon=$'open\\nclosed' ${here}read`,
  `curl -H 'Content-Type: application/json' -d "{\\"images\\": [\\"$(base64 -w0 word.png)\\"]}" ${here}read`,
].join("\n");

const api = await (await fetch("openapi.json")).json();
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const place = document.getElementById("operations");
    place.append(made("h2", `${method.toUpperCase()} ${path}`));
    for (const line of operation.description.split("\n\n")) place.append(made("p", line));
    for (const [kind, { schema }] of Object.entries(operation.requestBody?.content ?? {})) {
      place.append(made("h3", `Takes ${kind}`), table(schema));
    }
    for (const [status, answer] of Object.entries(operation.responses)) {
      const schema = answer.content?.["application/json"]?.schema;
      place.append(made("h3", `${status}: ${answer.description}`));
      if (schema) place.append(...tables(schema));
    }
  }
}

function resolved(schema) {
  return schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema;
}

// An object's fields, then those of the objects within it.
function tables(schema, seen = new Set()) {
  const found = resolved(schema);
  if (!found.properties || seen.has(found)) return [];
  seen.add(found);
  const inner = Object.values(found.properties).flatMap(references);
  return [made("h4", found.title), table(found), ...inner.flatMap((reference) => tables(reference, seen))];
}

function references(schema) {
  if (schema.$ref) return [schema];
  return [...(schema.anyOf ?? []), ...(schema.items ? [schema.items] : [])].flatMap(references);
}

function table(schema) {
  const rows = Object.entries(resolved(schema).properties).map(([name, field]) => {
    const notes = [field.description, "default" in field && field.default !== null ? `Default: ${field.default}.` : ""];
    return made("tr", made("td", made("code", name)), made("td", kind(field)), made("td", notes.filter(Boolean).join(" ")));
  });
  const whole = made("div", made("table", ...rows));
  whole.className = "scroll";
  return whole;
}

function kind(schema) {
  if (schema.$ref) return resolved(schema).title;
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  if (schema.type === "array") return `list of ${kind(schema.items)}`;
  return schema.contentMediaType || schema.format === "binary" ? "file" : schema.type;
}
