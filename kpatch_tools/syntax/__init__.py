"""C as the kernel writes it: the only room that knows tree-sitter."""

from tree_sitter import Node

from kpatch_tools.syntax.conditionals import Directive
from kpatch_tools.syntax.masking import Annotation, Masked, annotations_in, mask, words_in
from kpatch_tools.syntax.nodes import (
    ancestors,
    declarations,
    declared_name,
    descend,
    enclosing_function,
    enclosing_function_node,
    find_function,
    find_functions,
    find_initialiser,
    find_struct,
    function_name,
    functions,
    line_of,
    name_of,
    structs,
    text,
)
from kpatch_tools.syntax.parser import ParsedFile, errors_in, parse_c, parse_masked
from kpatch_tools.syntax.query import matches, matches_in, query
from kpatch_tools.syntax.scopes import declaring_scope, is_extern, is_static, names_declared_by, parameters

__all__ = [
    "Annotation",
    "Directive",
    "Masked",
    "Node",
    "ParsedFile",
    "ancestors",
    "annotations_in",
    "declarations",
    "declared_name",
    "declaring_scope",
    "descend",
    "enclosing_function",
    "enclosing_function_node",
    "errors_in",
    "find_function",
    "find_functions",
    "find_initialiser",
    "find_struct",
    "function_name",
    "functions",
    "is_extern",
    "is_static",
    "line_of",
    "mask",
    "matches",
    "matches_in",
    "name_of",
    "names_declared_by",
    "parameters",
    "parse_c",
    "parse_masked",
    "query",
    "structs",
    "text",
    "words_in",
]
