; Member accesses that are called, assigned, or passed to a macro; and what makes code conditional.
(call_expression
  function: [(field_expression) (subscript_expression) (parenthesized_expression)] @callee
  arguments: (_) @arguments)
(assignment_expression
  left: [(field_expression) (subscript_expression) (pointer_expression) (parenthesized_expression)] @left
  right: (_) @right)
(call_expression
  function: (identifier) @macro
  arguments: (argument_list (field_expression) @passed))
[(if_statement) (for_statement) (while_statement) (do_statement) (switch_statement) (conditional_expression)] @condition
(assignment_expression left: (identifier) @variable right: [(identifier) (pointer_expression) (compound_literal_expression)] @whole)
(declaration
  type: [(struct_specifier) (union_specifier) (type_identifier)]
  declarator: [(identifier) (init_declarator) (array_declarator) (pointer_declarator)]) @declaration
(struct_specifier body: (_)) @record
(union_specifier body: (_)) @record
