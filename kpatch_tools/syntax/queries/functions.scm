; Every function definition.
(function_definition declarator: (_) @declarator body: (compound_statement) @body) @function
