SELECT 'TODO drop the table';
