import sqlalchemy as sa
from sqlalchemy.orm import Session, declarative_base, relationship

Base = declarative_base()


class Author(Base):
    __tablename__ = "author"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(20))
    books = relationship("Book", back_populates="author")


class Book(Base):
    __tablename__ = "book"
    id = sa.Column(sa.Integer, primary_key=True)
    title = sa.Column(sa.String(20))
    author_id = sa.Column(sa.ForeignKey("author.id"))
    author = relationship("Author", back_populates="books")


def smoke():
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Author(name="ann", books=[Book(title="x"), Book(title="y")]))
        session.commit()
        rows = session.execute(
            sa.select(Author.name, sa.func.count(Book.id)).join(Author.books).group_by(Author.name)
        ).all()
        assert [tuple(row) for row in rows] == [("ann", 2)]
        assert session.scalars(sa.select(Book).where(Book.title == "y")).one().author.name == "ann"
    from sqlalchemy.dialects import postgresql

    text = str(sa.select(Book).with_for_update().compile(dialect=postgresql.dialect()))
    assert text.endswith("FOR UPDATE")
    try:
        sa.create_engine("nonsense://")
    except sa.exc.NoSuchModuleError:
        pass
    else:
        raise AssertionError("a dialect?")
    engine.dispose()
    return [engine, Author, Base.metadata]
