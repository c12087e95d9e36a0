import { z } from 'zod';

/**
 * The same schema, refusing unknown fields at every depth: a misspelt field is an error, never silence.
 * Objects inside transforms and records are left as their author wrote them.
 */
export function deepStrict(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodObject) {
    const shape = Object.fromEntries(
      Object.entries(schema.shape).map(([name, field]) => [name, deepStrict(field as z.core.$ZodType)]),
    );
    const catchall = schema.def.catchall ?? z.never();
    return schema.clone({ ...schema.def, shape, catchall }, { parent: true });
  }
  if (schema instanceof z.ZodArray) {
    return schema.clone({ ...schema.def, element: deepStrict(schema.def.element) }, { parent: true });
  }
  if (schema instanceof z.ZodOptional) {
    return schema.clone({ ...schema.def, innerType: deepStrict(schema.def.innerType) }, { parent: true });
  }
  if (schema instanceof z.ZodDefault) {
    return schema.clone({ ...schema.def, innerType: deepStrict(schema.def.innerType) }, { parent: true });
  }
  if (schema instanceof z.ZodNullable) {
    return schema.clone({ ...schema.def, innerType: deepStrict(schema.def.innerType) }, { parent: true });
  }
  if (schema instanceof z.ZodDiscriminatedUnion || schema instanceof z.ZodUnion) {
    return schema.clone({ ...schema.def, options: schema.def.options.map(deepStrict) }, { parent: true });
  }
  return schema;
}
