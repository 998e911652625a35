; What stands at one level of a file: asked with depth 1, again for each group.
(function_definition body: (_) @body) @function
(declaration
  type: [(struct_specifier) (union_specifier) (type_identifier)] @type
  declarator: [(identifier) (init_declarator) (array_declarator) (pointer_declarator) (parenthesized_declarator)]) @declaration
(type_definition) @typedef
(struct_specifier body: (_)) @record
(union_specifier body: (_)) @record
[
  (preproc_if) (preproc_ifdef) (preproc_else) (preproc_elif) (preproc_elifdef)
  (linkage_specification) (declaration_list) (ERROR)
] @group
