"""Peewee, with the drivers that the catalogue needs: whoever builds queries has it from here."""

from storewarden.catalogue import drivers

drivers.bring()

from peewee import (  # noqa: E402  # its drivers are chosen first
    SQL,
    BigAutoField,
    BigIntegerField,
    BlobField,
    CompositeKey,
    Context,
    DoubleField,
    EnclosedNodeList,
    Expression,
    Field,
    ForeignKeyField,
    Model,
    ModelSelect,
    Node,
    NodeList,
    SchemaManager,
    Select,
    TextField,
    Tuple,
    Value,
    fn,
)

__all__ = [
    "SQL",
    "BigAutoField",
    "BigIntegerField",
    "BlobField",
    "CompositeKey",
    "Context",
    "DoubleField",
    "EnclosedNodeList",
    "Expression",
    "Field",
    "ForeignKeyField",
    "Model",
    "ModelSelect",
    "Node",
    "NodeList",
    "SchemaManager",
    "Select",
    "TextField",
    "Tuple",
    "Value",
    "fn",
]
